{{- /* Sentences about the database, the secrets and the migration. Takes [root, components]. */}}
{{- define "slipway.wrongDatabase" }}
{{- $root := first . }}
{{- $database := $root.Values.database }}
{{- $direct := ($database.direct | default dict).host }}
{{- $dev := $root.Values.dev.postgres.enabled }}
{{- if not (or $dev $database.host) }}
- database.host is empty: set it to the address of PostgreSQL, or set dev.postgres.enabled=true to try the chart.
{{- end }}
{{- if and $dev $database.host }}
- dev.postgres.enabled=true and database.host contradict each other: leave one of them out.
{{- end }}
{{- if and $dev (or $database.pooler $direct) }}
- dev.postgres.enabled=true has no pooler in front of it: leave out database.pooler and database.direct.host.
{{- end }}
{{- if and $dev (has $database.ssl (list "require" "verify-ca" "verify-full")) }}
- dev.postgres.enabled=true serves no TLS: database.ssl={{ $database.ssl }} cannot be met.
{{- end }}
{{- if and (eq $database.ssl "prefer") (eq $root.Values.environment "production") }}
- database.ssl=prefer is refused in production, since it goes on without TLS: set verify-full, or disable where nobody else
  is on the network.
{{- end }}
{{- $authority := $database.sslRootCert }}
{{- if and $authority.secret $authority.configMap }}
- database.sslRootCert.secret and database.sslRootCert.configMap contradict each other: leave one of them out.
{{- end }}
{{- if and (eq $database.ssl "verify-ca") (not (or $authority.secret $authority.configMap)) }}
- database.ssl=verify-ca needs your own authority: name its Secret or ConfigMap in database.sslRootCert.
{{- end }}
{{- if and $database.pooler (not $direct) }}
- database.pooler=true needs database.direct.host: migrations and session locks do not work through a pooler.
{{- end }}
{{- /* The most connections at once: every component at its maximum in a rollout, and a migration. */}}
{{- $connections := add $database.poolSize 1 | int }}{{/* readiness has one of its own */}}
{{- $total := 0 }}
{{- $parts := list }}
{{- range $name, $component := last . }}
{{- $pods := int $component.maxPods }}
{{- $surge := $component.maxSurge | toString | trimSuffix "%" | int }}
{{- if hasSuffix "%" (toString $component.maxSurge) }}{{ $surge = div (add (mul $pods $surge) 99) 100 | int }}{{ end }}
{{- $total = add $total (mul (add $pods $surge) $connections) }}
{{- $parts = append $parts (printf "%s: (%d pods + %d of a rollout) × %d" $name $pods $surge $connections) }}
{{- end }}
{{- if ne (include "slipway.migrationMode" $root) "none" }}
{{- $total = add $total 2 }}
{{- $parts = append $parts "migration: 2" }}
{{- end }}
{{- $limit := int ($dev | ternary 100 $database.maxConnections) }}
{{- $reserved := int $database.reservedConnections }}
{{- if and $limit (gt (int $total) (sub $limit $reserved | int)) }}
- {{ $dev | ternary "dev.postgres.enabled=true: its limit" "database.maxConnections" }}={{ $limit }} less
  database.reservedConnections={{ $reserved }} is less than the {{ $total }} connections that the pods could open
  ({{ join ", " $parts }}): lower database.poolSize or the replicas, or raise the limit of the server.
{{- end }}
{{- $secrets := $root.Values.secrets }}
{{- $needed := list "databasePassword" }}
{{- range last . }}{{ if .issuesTokens }}{{ $needed = list "databasePassword" "signingKey" }}{{ end }}{{ end }}
{{- $missing := list }}
{{- range $needed }}{{ if not (get $secrets .).secret }}{{ $missing = append $missing . }}{{ end }}{{ end }}
{{- if and (ne $secrets.mode "existingSecret") $secrets.existingSecret }}
- secrets.existingSecret is set but secrets.mode={{ $secrets.mode }}: set secrets.mode=existingSecret, or leave the name out.
{{- end }}
{{- if and (eq $secrets.mode "generate") $root.Values.gitops }}
- secrets.mode=generate and gitops=true contradict each other: each rendering would make new secrets; make a Secret and
  name it in secrets.existingSecret.
{{- end }}
{{- if and (eq $secrets.mode "generate") (not $dev) (not $secrets.databasePassword.secret) }}
- secrets.mode=generate makes a database password that only dev.postgres learns: name the Secret with yours in
  secrets.databasePassword.secret.
{{- end }}
{{- if and (eq $secrets.mode "existingSecret") (not $secrets.existingSecret) $missing }}
- secrets.existingSecret is empty: name the Secret with the database's password and the signing key, or set
  secrets.mode=generate.
{{- end }}
{{- if eq $secrets.mode "externalSecret" }}
{{- if not $secrets.externalSecret.secretStoreRef.name }}
- secrets.externalSecret.secretStoreRef.name is empty: name the SecretStore or ClusterSecretStore that has the secrets.
{{- end }}
{{- range $missing }}{{ if not ((get $secrets .).remoteRef | default dict).key }}
- secrets.{{ . }}.remoteRef.key is empty: say where it is in the store, or name a Secret in secrets.{{ . }}.secret.
{{- end }}{{ end }}
{{- if not $missing }}
- secrets.mode=externalSecret has nothing to fetch, since every secret names a Secret: set secrets.mode=existingSecret.
{{- end }}
{{- end }}
{{- if eq $root.Values.migration.mode "hook" }}
{{- if $dev }}
- migration.mode=hook and dev.postgres.enabled=true contradict each other: a hook runs before that database exists; use
  migration.mode=auto or job.
{{- end }}
{{- $fetched := and (eq $secrets.mode "externalSecret") (not $secrets.databasePassword.secret) }}
{{- if and $fetched (get $root.Values.migration.hookAnnotations "helm.sh/hook") }}
- migration.mode=hook and secrets.mode=externalSecret contradict each other: a hook runs before the ExternalSecret of
  this release exists; use migration.mode=auto or job, or sync-waves in migration.hookAnnotations.
{{- end }}
{{- end }}
{{- end }}
