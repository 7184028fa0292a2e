{{- /* What the schema cannot say: values that contradict each other. All sentences come at once. */}}
{{- define "slipway.validate" -}}
{{- $wrong := concat
  (include "slipway.wrongDatabase" . | fromJsonArray)
  (include "slipway.wrongSecrets" . | fromJsonArray)
  (include "slipway.wrongMigration" . | fromJsonArray)
  (include "slipway.wrongComponents" . | fromJsonArray)
  (include "slipway.wrongRules" . | fromJsonArray) }}
{{- if $wrong }}
{{- fail (printf "\n\n- %s\n" (join "\n- " $wrong)) }}
{{- end }}
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
{{- if and $dev (has $database.ssl (list "require" "verify-full")) }}
{{- $wrong = append $wrong (printf "dev.postgres.enabled=true serves no TLS: database.ssl=%s cannot be met." $database.ssl) }}
{{- end }}
{{- if and $database.pooler (not $database.direct.host) }}
{{- $wrong = append $wrong "database.pooler=true needs database.direct.host: migrations and session locks do not work through a pooler." }}
{{- end }}
{{- $limit := int ($dev | ternary 97 $database.maxConnections) }}
{{- $budget := include "slipway.connections" . | fromJson }}
{{- if and $limit (gt (int $budget.total) $limit) }}
{{- $wrong = append $wrong (printf "the pods could open %d connections (%s) but %s is %d: lower database.poolSize or the replicas, or raise the limit of the server." (int $budget.total) $budget.words ($dev | ternary "what dev.postgres holds" "database.maxConnections") $limit) }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{- /* The most connections at once, as JSON {total, words}: every component at its ceiling in a rollout, and a migration. */}}
{{- define "slipway.connections" -}}
{{- $pool := int .Values.database.poolSize }}
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
{{- if eq $secrets.mode "generate" }}
{{- if .Values.gitops }}
{{- $wrong = append $wrong "secrets.mode=generate and gitops=true contradict each other: each rendering would make new secrets; make a Secret and name it in secrets.existingSecret." }}
{{- end }}
{{- if $secrets.existingSecret }}
{{- $wrong = append $wrong "secrets.existingSecret is set but secrets.mode=generate: set secrets.mode=existingSecret, or leave the name out." }}
{{- end }}
{{- if not (or .Values.dev.postgres.enabled $secrets.databasePassword.secret) }}
{{- $wrong = append $wrong "secrets.mode=generate makes a database password that only dev.postgres learns: name the Secret with yours in secrets.databasePassword.secret." }}
{{- end }}
{{- else if and (not $secrets.existingSecret) (not (and $secrets.databasePassword.secret $secrets.signingKey.secret)) }}
{{- $wrong = append $wrong "secrets.existingSecret is empty: name the Secret with the database's password and the signing key, or set secrets.mode=generate." }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{- define "slipway.wrongMigration" -}}
{{- $wrong := list }}
{{- if and (eq .Values.migration.mode "hook") .Values.dev.postgres.enabled }}
{{- $wrong = append $wrong "migration.mode=hook and dev.postgres.enabled=true contradict each other: a hook runs before that database exists; use migration.mode=auto or job." }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{- define "slipway.wrongComponents" -}}
{{- $wrong := list }}
{{- $components := include "slipway.components" . | fromJson }}
{{- if not $components }}
{{- $wrong = append $wrong "components has no enabled entry: nothing would run." }}
{{- end }}
{{- range $name, $component := $components }}
{{- if or (not (regexMatch "^[a-z]([-a-z0-9]{0,18}[a-z0-9])?$" $name)) (has $name (list "dashboard" "migrate" "postgres" "rules" "service" "test")) }}
{{- $wrong = append $wrong (printf "components.%s cannot be called so: a name has at most 20 small letters, digits and hyphens, and dashboard, migrate, postgres, rules, service and test are taken." $name) }}
{{- end }}
{{- with $component.autoscaling }}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) }}
{{- $wrong = append $wrong (printf "components.%s: autoscaling.minReplicas=%d is more than autoscaling.maxReplicas=%d." $name (int .minReplicas) (int .maxReplicas)) }}
{{- end }}
{{- if and .enabled (not .cpuUtilization) (not .metrics) }}
{{- $wrong = append $wrong (printf "components.%s: autoscaling.enabled=true has nothing to go by: set autoscaling.cpuUtilization or autoscaling.metrics." $name) }}
{{- end }}
{{- end }}
{{- $startup := $component.probes.startup }}
{{- $seconds := mul (int ($startup.periodSeconds | default 10)) (int ($startup.failureThreshold | default 3)) }}
{{- if lt (int $component.progressDeadlineSeconds) (int $seconds) }}
{{- $wrong = append $wrong (printf "components.%s: progressDeadlineSeconds=%d is less than the %d s that probes.startup gives a start." $name (int $component.progressDeadlineSeconds) (int $seconds)) }}
{{- end }}
{{- end }}
{{- toJson $wrong }}
{{- end }}
