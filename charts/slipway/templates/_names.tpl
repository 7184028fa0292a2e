{{- /* Names and labels. `toYaml` quotes a name that YAML would read as a number. */}}

{{- define "slipway.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "slipway.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "slipway.name" .) .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name (include "slipway.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* Frozen since the first release: a Deployment's selector cannot change. Takes [root, component]. */}}
{{- define "slipway.selectorLabels" -}}
app.kubernetes.io/name: {{ include "slipway.name" (first .) | toYaml }}
app.kubernetes.io/instance: {{ (first .).Release.Name | toYaml }}
app.kubernetes.io/component: {{ last . }}
{{- end }}

{{- define "slipway.version" -}}
{{ .Values.image.tag | default .Chart.AppVersion | regexFind "^[A-Za-z0-9_.-]+" | trunc 63 | trimAll "-_." }}
{{- end }}

{{- /* Labels of an object; a pod has no version of the chart, or each new chart would restart it. Takes [root, component]. */}}
{{- define "slipway.labels" -}}
{{ include "slipway.selectorLabels" . }}
app.kubernetes.io/part-of: slipway
app.kubernetes.io/managed-by: {{ (first .).Release.Service }}
app.kubernetes.io/version: {{ include "slipway.version" (first .) | quote }}
helm.sh/chart: {{ printf "%s-%s" (first .).Chart.Name (first .).Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "slipway.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "slipway.fullname" .) }}
{{- else }}{{ .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "slipway.secretName" -}}
{{ if eq .Values.secrets.mode "existingSecret" }}{{ .Values.secrets.existingSecret }}{{ else }}{{ include "slipway.fullname" . }}{{ end }}
{{- end }}
