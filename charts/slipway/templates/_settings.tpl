{{- /* What processes are told: settings as variables, secrets as files. */}}

{{- define "slipway.databaseHost" -}}
{{ if .Values.dev.postgres.enabled }}{{ include "slipway.fullname" . }}-postgres{{ else }}{{ .Values.database.host }}{{ end }}
{{- end }}

{{- /* Settings of every process, as JSON. Values go through JSON because Helm's numbers are floats: 1e+06. */}}
{{- define "slipway.settings" -}}
{{- $settings := dict
  "SLIPWAY_ENVIRONMENT" .Values.environment
  "SLIPWAY_DATABASE__HOST" (include "slipway.databaseHost" .)
  "SLIPWAY_DATABASE__PORT" (.Values.dev.postgres.enabled | ternary 5432 .Values.database.port)
  "SLIPWAY_DATABASE__NAME" .Values.database.name
  "SLIPWAY_DATABASE__USER" .Values.database.user
  "SLIPWAY_DATABASE__SSL" .Values.database.ssl
  "SLIPWAY_DATABASE__POOL_SIZE" .Values.database.poolSize
  "SLIPWAY_DATABASE__POOLER" .Values.database.pooler
  "SLIPWAY_SHUTDOWN__PRE_STOP_SECONDS" .Values.shutdown.preStopSeconds
  "SLIPWAY_SHUTDOWN__DRAIN_SECONDS" .Values.shutdown.drainSeconds
  "SLIPWAY_SHUTDOWN__REQUEST_SECONDS" .Values.shutdown.requestSeconds }}
{{- with .Values.database.direct }}{{ if .host }}
{{- $_ := set $settings "SLIPWAY_DATABASE__DIRECT__HOST" .host }}
{{- $_ := set $settings "SLIPWAY_DATABASE__DIRECT__PORT" .port }}
{{- end }}{{ end }}
{{- mergeOverwrite $settings (deepCopy .Values.settings) | toJson }}
{{- end }}

{{- /* A map of texts, numbers and truth values as a map of texts. */}}
{{- define "slipway.texts" -}}
{{- $texts := dict }}
{{- range $name, $value := . }}{{ $_ := set $texts $name (kindIs "string" $value | ternary $value (toJson $value)) }}{{ end }}
{{- toYaml $texts }}
{{- end }}

{{- /* A map as the `env` of a container: each name once, in order. */}}
{{- define "slipway.env" -}}
{{- range $name, $value := . }}
{{- if kindIs "map" $value }}
- {{ merge (dict "name" $name) $value | toJson }}
{{- else }}
- name: {{ $name }}
  value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "slipway.secretName" -}}
{{ if eq .Values.secrets.mode "generate" }}{{ include "slipway.fullname" . }}{{ else }}{{ .Values.secrets.existingSecret }}{{ end }}
{{- end }}

{{- /* Sources of the folder of secret files. Takes [root, names of `secrets` to show]. */}}
{{- define "slipway.secretSources" -}}
{{- $files := dict "databasePassword" "database__password" "signingKey" "auth__signing_key" "previousKey" "auth__previous_key" }}
{{- $root := first . }}
{{- range last . }}
{{- $where := get $root.Values.secrets . }}
- secret:
    name: {{ $where.secret | default (include "slipway.secretName" $root) }}
    items:
      - key: {{ $where.key }}
        path: {{ get $files . }}
    {{- if eq . "previousKey" }}
    optional: true
    {{- end }}
{{- end }}
{{- end }}
