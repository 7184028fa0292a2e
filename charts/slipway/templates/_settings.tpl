{{- /* What processes are told: settings as variables, secrets as files. */}}

{{- define "slipway.databaseHost" -}}
{{ if .Values.dev.postgres.enabled }}{{ include "slipway.fullname" . }}-postgres{{ else }}{{ .Values.database.host }}{{ end }}
{{- end }}

{{- /* The mode of TLS: the development database serves none. */}}
{{- define "slipway.databaseSsl" -}}
{{ .Values.database.ssl | default (.Values.dev.postgres.enabled | ternary "disable" "verify-full") }}
{{- end }}

{{- /* Settings of every process, as JSON. Values go through JSON because Helm's numbers are floats: 1e+06. */}}
{{- define "slipway.settings" -}}
{{- $settings := dict
  "SLIPWAY_ENVIRONMENT" .Values.environment
  "SLIPWAY_DATABASE__HOST" (include "slipway.databaseHost" .)
  "SLIPWAY_DATABASE__PORT" (.Values.dev.postgres.enabled | ternary 5432 .Values.database.port)
  "SLIPWAY_DATABASE__NAME" .Values.database.name
  "SLIPWAY_DATABASE__USER" .Values.database.user
  "SLIPWAY_DATABASE__SSL" (include "slipway.databaseSsl" .)
  "SLIPWAY_DATABASE__POOL_SIZE" .Values.database.poolSize
  "SLIPWAY_DATABASE__POOLER" .Values.database.pooler
  "SLIPWAY_SHUTDOWN__PRE_STOP_SECONDS" .Values.shutdown.preStopSeconds
  "SLIPWAY_SHUTDOWN__DRAIN_SECONDS" .Values.shutdown.drainSeconds
  "SLIPWAY_SHUTDOWN__REQUEST_SECONDS" .Values.shutdown.requestSeconds }}
{{- with .Values.database.direct }}{{ if .host }}
{{- $_ := set $settings "SLIPWAY_DATABASE__DIRECT__HOST" .host }}
{{- $_ := set $settings "SLIPWAY_DATABASE__DIRECT__PORT" .port }}
{{- end }}{{ end }}
{{- mergeOverwrite $settings (deepCopy .Values.settings) | include "slipway.withoutNulls" }}
{{- end }}

{{- /* The same for a pod that acts for the whole release: the features that run in it. */}}
{{- define "slipway.releaseSettings" -}}
{{- $settings := include "slipway.settings" . | fromJson }}
{{- with include "slipway.allFeatures" . }}{{ $_ := set $settings "SLIPWAY_FEATURES" . }}{{ end }}
{{- toJson $settings }}
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
{{ if eq .Values.secrets.mode "existingSecret" }}{{ .Values.secrets.existingSecret }}{{ else }}{{ include "slipway.fullname" . }}{{ end }}
{{- end }}

{{- /* What of `secrets` a component gets: tokens are signed where the feature `users` runs, and verified without a key. */}}
{{- define "slipway.secretsOf" -}}
{{- $names := list "databasePassword" }}
{{- if include "slipway.runs" (list . "users") }}{{ $names = concat $names (list "signingKey" "previousKey") }}{{ end }}
{{- toJson $names }}
{{- end }}

{{- /* Names of the Secrets that are behind them, joined by commas. Takes [root, names of `secrets`, component]. */}}
{{- define "slipway.secretNames" -}}
{{- $names := list }}
{{- range index . 1 }}{{ $names = append $names ((include "slipway.secretAt" (list (first $) . (last $)) | fromJson).secret) }}{{ end }}
{{- with (first .).Values.database.sslRootCert.secret }}{{ $names = append $names . }}{{ end }}
{{- $names | uniq | sortAlpha | join "," }}
{{- end }}

{{- /* Where a secret of a pod is, as JSON {secret, key}. Takes [root, name of `secrets`, values of the pod]. */}}
{{- define "slipway.secretAt" -}}
{{- $where := get (first .).Values.secrets (index . 1) }}
{{- $own := (last .).database | default dict }}
{{- if and $own.user (eq (index . 1) "databasePassword") }}{{ $where = $own }}{{ end }}
{{- dict "secret" ($where.secret | default (include "slipway.secretName" (first .))) "key" $where.key | toJson }}
{{- end }}

{{- /* Sources of the folder of secret files. Takes [root, names of `secrets` to show, values of the pod]. */}}
{{- define "slipway.secretSources" -}}
{{- $files := dict "databasePassword" "database__password" "signingKey" "auth__signing_key" "previousKey" "auth__previous_key" }}
{{- $root := first . }}
{{- range index . 1 }}
{{- $where := include "slipway.secretAt" (list $root . (last $)) | fromJson }}
- secret:
    name: {{ $where.secret }}
    items:
      - key: {{ $where.key }}
        path: {{ get $files . }}
    {{- if eq . "previousKey" }}
    optional: true
    {{- end }}
{{- end }}
{{- with $root.Values.database.sslRootCert }}{{ if or .secret .configMap }}
- {{ empty .secret | ternary "configMap" "secret" }}:
    name: {{ .secret | default .configMap }}
    items:
      - key: {{ .key }}
        path: database__ssl_root_cert
{{- end }}{{ end }}
{{- end }}

{{- /* Beside the pods where the release itself makes what a migration needs, or else before them. */}}
{{- define "slipway.migrationMode" -}}
{{- if ne .Values.migration.mode "auto" }}{{ .Values.migration.mode }}
{{- else if or .Values.dev.postgres.enabled (include "slipway.passwordIsMade" .) }}job
{{- else }}hook
{{- end }}
{{- end }}

{{- /* Whether the Secret with the database's password is there only after the release is. */}}
{{- define "slipway.passwordIsMade" -}}
{{- if and (ne .Values.secrets.mode "existingSecret") (not .Values.secrets.databasePassword.secret) }}true{{ end }}
{{- end }}
