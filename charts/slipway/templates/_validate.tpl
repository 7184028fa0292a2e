{{- /* What the schema cannot say: values that contradict each other. All sentences come at once, each with a path first. */}}
{{- define "slipway.validate" -}}
{{- $wrong := concat
  (include "slipway.wrongDatabase" . | fromJsonArray)
  (include "slipway.wrongSecrets" . | fromJsonArray)
  (include "slipway.wrongMigration" . | fromJsonArray)
  (include "slipway.wrongComponents" . | fromJsonArray)
  (include "slipway.wrongMonitoring" . | fromJsonArray)
  (include "slipway.wrongTraffic" . | fromJsonArray)
  (include "slipway.wrongRules" . | fromJsonArray) }}
{{- if $wrong }}
{{- fail (printf "\n\n- %s\n" (join "\n- " $wrong)) }}
{{- end }}
{{- end }}

{{- define "slipway.wrongMonitoring" -}}
{{- $wrong := list }}
{{- $closed := and .Values.networkPolicy.enabled (not (include "slipway.peers" .Values.networkPolicy.scrapers | fromJsonArray)) }}
{{- range $name := list "serviceMonitor" "podMonitor" }}
{{- if and $closed (get $.Values.monitoring $name).enabled }}
{{- $wrong = append $wrong (printf "monitoring.%s.enabled=true asks Prometheus to scrape pods that let nobody in: name its pods in networkPolicy.scrapers." $name) }}
{{- end }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{- define "slipway.wrongDatabase" -}}
{{- $wrong := list }}
{{- $database := .Values.database }}
{{- $dev := .Values.dev.postgres.enabled }}
{{- if not (or $dev $database.host) }}
{{- $wrong = append $wrong "database.host is empty: set it to the address of PostgreSQL, or set dev.postgres.enabled=true to try the chart." }}
{{- end }}
{{- if and $dev $database.host }}
{{- $wrong = append $wrong "dev.postgres.enabled=true and database.host contradict each other: leave one of them out." }}
{{- end }}
{{- if and $dev (or $database.pooler $database.direct.host) }}
{{- $wrong = append $wrong "dev.postgres.enabled=true has no pooler in front of it: leave out database.pooler and database.direct.host." }}
{{- end }}
{{- if and $dev (has $database.ssl (list "require" "verify-ca" "verify-full")) }}
{{- $wrong = append $wrong (printf "dev.postgres.enabled=true serves no TLS: database.ssl=%s cannot be met." $database.ssl) }}
{{- end }}
{{- if and (eq $database.ssl "prefer") (eq .Values.environment "production") }}
{{- $wrong = append $wrong "database.ssl=prefer is refused in production, since it goes on without TLS: set verify-full, or disable where nobody else is on the network." }}
{{- end }}
{{- if and $database.sslRootCert.secret $database.sslRootCert.configMap }}
{{- $wrong = append $wrong "database.sslRootCert.secret and database.sslRootCert.configMap contradict each other: leave one of them out." }}
{{- end }}
{{- if and (eq $database.ssl "verify-ca") (not (or $database.sslRootCert.secret $database.sslRootCert.configMap)) }}
{{- $wrong = append $wrong "database.ssl=verify-ca needs your own authority: name its Secret or ConfigMap in database.sslRootCert." }}
{{- end }}
{{- range $name, $component := include "slipway.components" . | fromJson }}
{{- if ne (empty $component.database.user) (empty $component.database.secret) }}
{{- $wrong = append $wrong (printf "components.%s.database needs both user and secret, or neither: another role has another password." $name) }}
{{- end }}
{{- end }}
{{- if and $database.pooler (not $database.direct.host) }}
{{- $wrong = append $wrong "database.pooler=true needs database.direct.host: migrations and session locks do not work through a pooler." }}
{{- end }}
{{- $limit := int ($dev | ternary 100 $database.maxConnections) }}
{{- $reserve := int $database.reservedConnections }}
{{- $budget := include "slipway.connections" . | fromJson }}
{{- if and $limit (gt (int $budget.total) (sub $limit $reserve | int)) }}
{{- $wrong = append $wrong (printf "%s=%d less database.reservedConnections=%d is less than the %d connections that the pods could open (%s): lower database.poolSize or the replicas, or raise the limit of the server." ($dev | ternary "dev.postgres.enabled=true: its limit" "database.maxConnections") $limit $reserve (int $budget.total) $budget.words) }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{- /* The most connections at once, as JSON {total, words}: every component at its ceiling in a rollout, and a migration. */}}
{{- define "slipway.connections" -}}
{{- $pool := add .Values.database.poolSize 1 | int }}{{/* readiness has one of its own */}}
{{- $total := 0 }}
{{- $words := list }}
{{- range $name, $component := include "slipway.components" . | fromJson }}
{{- $pods := include "slipway.ceiling" $component | int }}
{{- $surge := $component.maxSurge | toString | trimSuffix "%" | int }}
{{- if hasSuffix "%" (toString $component.maxSurge) }}
{{- $surge = div (add (mul $pods $surge) 99) 100 }}
{{- end }}
{{- $total = add $total (mul (add $pods $surge) $pool) }}
{{- $words = append $words (printf "%s: (%d pods + %d of a rollout) × %d" $name $pods (int $surge) $pool) }}
{{- end }}
{{- if ne (include "slipway.migrationMode" .) "none" }}
{{- $total = add $total 2 }}
{{- $words = append $words "migration: 2" }}
{{- end }}
{{- dict "total" $total "words" (join ", " $words) | toJson }}
{{- end }}

{{- define "slipway.wrongSecrets" -}}
{{- $wrong := list }}
{{- $secrets := .Values.secrets }}
{{- $needed := list "databasePassword" }}
{{- range include "slipway.components" . | fromJson }}{{ if include "slipway.runs" (list . "users") }}{{ $needed = list "databasePassword" "signingKey" }}{{ end }}{{ end }}
{{- $missing := list }}
{{- range $needed }}{{ if not (get $secrets .).secret }}{{ $missing = append $missing . }}{{ end }}{{ end }}
{{- if and (ne $secrets.mode "existingSecret") $secrets.existingSecret }}
{{- $wrong = append $wrong (printf "secrets.existingSecret is set but secrets.mode=%s: set secrets.mode=existingSecret, or leave the name out." $secrets.mode) }}
{{- end }}
{{- if and (eq $secrets.mode "generate") .Values.gitops }}
{{- $wrong = append $wrong "secrets.mode=generate and gitops=true contradict each other: each rendering would make new secrets; make a Secret and name it in secrets.existingSecret." }}
{{- end }}
{{- if and (eq $secrets.mode "generate") (not .Values.dev.postgres.enabled) (not $secrets.databasePassword.secret) }}
{{- $wrong = append $wrong "secrets.mode=generate makes a database password that only dev.postgres learns: name the Secret with yours in secrets.databasePassword.secret." }}
{{- end }}
{{- if and (eq $secrets.mode "existingSecret") (not $secrets.existingSecret) $missing }}
{{- $wrong = append $wrong "secrets.existingSecret is empty: name the Secret with the database's password and the signing key, or set secrets.mode=generate." }}
{{- end }}
{{- if eq $secrets.mode "externalSecret" }}
{{- if not $secrets.externalSecret.secretStoreRef.name }}
{{- $wrong = append $wrong "secrets.externalSecret.secretStoreRef.name is empty: name the SecretStore or ClusterSecretStore that has the secrets." }}
{{- end }}
{{- range $missing }}{{ if not ((get $secrets .).remoteRef | default dict).key }}
{{- $wrong = append $wrong (printf "secrets.%s.remoteRef.key is empty: say where it is in the store, or name a Secret in secrets.%s.secret." . .) }}
{{- end }}{{ end }}
{{- if not $missing }}
{{- $wrong = append $wrong "secrets.mode=externalSecret has nothing to fetch, since every secret names a Secret: set secrets.mode=existingSecret." }}
{{- end }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{- define "slipway.wrongMigration" -}}
{{- $wrong := list }}
{{- if eq .Values.migration.mode "hook" }}
{{- if .Values.dev.postgres.enabled }}
{{- $wrong = append $wrong "migration.mode=hook and dev.postgres.enabled=true contradict each other: a hook runs before that database exists; use migration.mode=auto or job." }}
{{- end }}
{{- if and (eq .Values.secrets.mode "externalSecret") (include "slipway.passwordIsMade" .) (get .Values.migration.hookAnnotations "helm.sh/hook") }}
{{- $wrong = append $wrong "migration.mode=hook and secrets.mode=externalSecret contradict each other: a hook runs before the ExternalSecret of this release exists; use migration.mode=auto or job, or sync-waves in migration.hookAnnotations." }}
{{- end }}
{{- end }}
{{- toJson $wrong }}
{{- end }}
