{{- /* Who may talk to whom. Each helper gives rules of a NetworkPolicy, and what no rule names is denied. */}}

{{- define "slipway.releasePods" -}}
podSelector:
  matchLabels:
    app.kubernetes.io/name: {{ include "slipway.name" . }}
    app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* Peers from a map; none at all means everybody. */}}
{{- define "slipway.peers" -}}
{{- range . }}
- {{ toJson . }}
{{- end }}
{{- end }}

{{- define "slipway.serverIngress" -}}
- ports:
    - port: http
  {{- with .Values.networkPolicy.clients }}
  from:
    - {{ include "slipway.releasePods" $ | fromYaml | toJson }}
    {{- include "slipway.peers" . | trim | nindent 4 }}
  {{- end }}
- ports:
    - port: metrics
  {{- with .Values.networkPolicy.scrapers }}
  from:
    {{- include "slipway.peers" . | trim | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "slipway.dnsEgress" -}}
- ports:
  {{- range .Values.networkPolicy.dnsPorts }}
    - port: {{ . }}
      protocol: UDP
    - port: {{ . }}
      protocol: TCP
  {{- end }}
{{- end }}

{{- define "slipway.databaseEgress" -}}
{{- if .Values.dev.postgres.enabled }}
- ports:
    - port: 5432
  to:
    - podSelector:
        matchLabels:
          {{- include "slipway.selectorLabels" (list . "postgres") | nindent 10 }}
{{- else }}
- ports:
    - port: {{ .Values.database.port }}
    {{- if and .Values.database.direct.host (ne (int .Values.database.direct.port) (int .Values.database.port)) }}
    - port: {{ .Values.database.direct.port }}
    {{- end }}
  {{- with .Values.networkPolicy.databases }}
  to:
    {{- include "slipway.peers" . | trim | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Beyond DNS and the database: other pods of the release, the collector, and what the values name. */}}
{{- define "slipway.serverEgress" -}}
- ports:
    - port: 8000
  to:
    - {{ include "slipway.releasePods" . | fromYaml | toJson }}
{{- with .Values.settings.SLIPWAY_TELEMETRY__OTLP_ENDPOINT }}
{{- $port := regexFind ":[0-9]+$" (urlParse .).host | trimPrefix ":" | default (hasPrefix "https:" . | ternary "443" "80") }}
- ports:
    - port: {{ $port }}
{{- end }}
{{- range .Values.networkPolicy.egress }}
- {{ toJson . }}
{{- end }}
{{- end }}
