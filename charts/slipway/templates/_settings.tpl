{{- /* Settings of the processes, as variables. */}}

{{- /* Settings of every process, as JSON: what the values say, and over it `settings`. */}}
{{- define "slipway.settings" -}}
{{- $database := .Values.database }}
{{- $bundled := .Values.dev.postgres.enabled }}
{{- $settings := dict
  "SLIPWAY_ENVIRONMENT" .Values.environment
  "SLIPWAY_DATABASE__HOST" ($bundled | ternary (printf "%s-postgres" (include "slipway.fullname" .)) $database.host)
  "SLIPWAY_DATABASE__PORT" ($bundled | ternary 5432 $database.port)
  "SLIPWAY_DATABASE__NAME" $database.name
  "SLIPWAY_DATABASE__USER" $database.user
  "SLIPWAY_DATABASE__SSL" ($database.ssl | default ($bundled | ternary "disable" "verify-full"))
  "SLIPWAY_DATABASE__POOL_SIZE" $database.poolSize
  "SLIPWAY_DATABASE__POOLER" $database.pooler
  "SLIPWAY_SHUTDOWN__PRE_STOP_SECONDS" .Values.shutdown.preStopSeconds
  "SLIPWAY_SHUTDOWN__DRAIN_SECONDS" .Values.shutdown.drainSeconds
  "SLIPWAY_SHUTDOWN__REQUEST_SECONDS" .Values.shutdown.requestSeconds }}
{{- with $database.direct }}{{ if .host }}
{{- $_ := set $settings "SLIPWAY_DATABASE__DIRECT__HOST" .host }}
{{- $_ := set $settings "SLIPWAY_DATABASE__DIRECT__PORT" .port }}
{{- end }}{{ end }}
{{- $settings = mergeOverwrite $settings (deepCopy (.Values.settings | default dict)) }}
{{- $_ := include "slipway.dropNulls" $settings }}
{{- toJson $settings }}
{{- end }}

{{- /* Makes text of the numbers and booleans of a map, in place. Without `toYaml`, Helm would write a million as 1e+06. */}}
{{- define "slipway.texts" -}}
{{- range $name, $value := . }}
{{- if not (or (kindIs "string" $value) (kindIs "map" $value)) }}{{ $_ := set $ $name (toYaml $value) }}{{ end }}
{{- end }}
{{- end }}

{{- /* A map as the `env` of a container: each name once, in order. */}}
{{- define "slipway.env" -}}
{{- $_ := include "slipway.texts" . }}
{{- range $name, $value := . }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  {{- toYaml $value | nindent 2 }}
  {{- else }}
  value: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- /*
The `env` of a pod that runs once for the whole release, with the features of all components. It has no ConfigMap: before
an install there is none, and before an upgrade the old one. Takes [root, its values].
*/}}
{{- define "slipway.envOfOnce" -}}
{{- $env := include "slipway.settings" (first .) | fromJson }}
{{- $values := (first .).Values }}
{{- $names := list }}
{{- $all := false }}
{{- range include "slipway.componentNames" (first .) | splitList " " | compact }}
{{- $own := list }}
{{- $features := (get $values.components . | default dict).features | default dict }}
{{- range $feature, $runs := mergeOverwrite (dict) ($values.defaults.features | default dict) $features }}
{{- if $runs }}{{ $own = append $own $feature }}{{ end }}
{{- end }}
{{- $names = concat $names $own }}
{{- if not $own }}{{ $all = true }}{{ end }}
{{- end }}
{{- if not $all }}{{ $_ := set $env "SLIPWAY_FEATURES" ($names | uniq | sortAlpha | join ",") }}{{ end }}
{{- include "slipway.env" (mergeOverwrite $env ((last .).settings | default dict) ((last .).env | default dict)) }}
{{- end }}

{{- /* `job` where the release itself makes the database or its password, which a hook would not find; otherwise `hook`. */}}
{{- define "slipway.migrationMode" -}}
{{- $secrets := .Values.secrets }}
{{- $makesPassword := and (ne $secrets.mode "existingSecret") (not $secrets.databasePassword.secret) }}
{{- if ne .Values.migration.mode "auto" }}{{ .Values.migration.mode }}
{{- else if or .Values.dev.postgres.enabled $makesPassword }}job
{{- else }}hook
{{- end }}
{{- end }}
