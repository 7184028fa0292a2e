{{- /* Who may talk to whom. Each helper gives rules of a NetworkPolicy, and what no rule names is denied. */}}

{{- define "slipway.releasePods" -}}
podSelector:
  matchLabels:
    app.kubernetes.io/name: {{ include "slipway.name" . }}
    app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* Peers that are pods of this release, as JSON. Takes [root, names of components]. */}}
{{- define "slipway.podPeers" -}}
{{- $peers := list }}
{{- range last . }}
{{- $peers = append $peers (dict "podSelector" (dict "matchLabels" (include "slipway.selectorLabels" (list (first $) .) | fromYaml))) }}
{{- end }}
{{- toJson $peers }}
{{- end }}

{{- /* A rule as an item of a list. Takes a map: direction (`to` or `from`), ports, peers; no peers means everybody. */}}
{{- define "slipway.rule" -}}
- ports:
    {{- toYaml .ports | nindent 4 }}
  {{- with .peers }}
  {{ $.direction }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- /* The peers of a map, as JSON. */}}
{{- define "slipway.peers" -}}
{{- $peers := list }}
{{- range . }}{{ if . }}{{ $peers = append $peers . }}{{ end }}{{ end }}
{{- toJson $peers }}
{{- end }}

{{- /* Who reaches a component: clients, the components that call it, the tests; and who scrapes it. Takes [root, name, component]. */}}
{{- define "slipway.ingressRules" -}}
{{- $root := first . }}{{ $name := index . 1 }}
{{- if (last .).http }}
{{- $peers := include "slipway.peers" $root.Values.networkPolicy.clients | fromJsonArray }}
{{- if $peers }}
{{- $ours := include "slipway.callers" (list $root $name) | fromJsonArray }}
{{- if $root.Values.tests.enabled }}{{ $ours = append $ours "test" }}{{ end }}
{{- $peers = concat $peers (include "slipway.podPeers" (list $root $ours) | fromJsonArray) }}
{{- end }}
{{ include "slipway.rule" (dict "direction" "from" "ports" (list (dict "port" "http")) "peers" $peers) }}
{{- end }}
{{- /* A rule without peers would let everybody in: where nobody may scrape, there is none. */}}
{{- with include "slipway.peers" $root.Values.networkPolicy.scrapers | fromJsonArray }}
{{ include "slipway.rule" (dict "direction" "from" "ports" (list (dict "port" "metrics")) "peers" .) }}
{{- end }}
{{- end }}

{{- /* Name resolution, which every pod of ours needs. */}}
{{- define "slipway.dnsEgress" -}}
{{- $policy := .Values.networkPolicy }}
{{- $ports := list }}
{{- range $policy.dns.ports }}{{ with . }}
{{- $ports = concat $ports (list (dict "port" . "protocol" "UDP") (dict "port" . "protocol" "TCP")) }}
{{- end }}{{ end -}}
{{ include "slipway.rule" (dict "direction" "to" "ports" $ports "peers" (include "slipway.peers" $policy.dns.peers | fromJsonArray)) }}
{{- end }}

{{- /* The database, for components and the migration. */}}
{{- define "slipway.databaseEgress" -}}
{{- $policy := .Values.networkPolicy }}
{{- if .Values.dev.postgres.enabled }}
{{- include "slipway.rule" (dict "direction" "to" "ports" (list (dict "port" 5432)) "peers" (include "slipway.podPeers" (list . (list "postgres")) | fromJsonArray)) }}
{{- else }}
{{- $ports := list .Values.database.port }}
{{- with .Values.database.direct }}{{ if .host }}{{ $ports = append $ports .port }}{{ end }}{{ end }}
{{- $rules := list }}
{{- range $ports | uniq }}{{ $rules = append $rules (dict "port" .) }}{{ end }}
{{- include "slipway.rule" (dict "direction" "to" "ports" $rules "peers" (include "slipway.peers" $policy.databases | fromJsonArray)) }}
{{- end }}
{{- end }}

{{- define "slipway.portOf" -}}
{{ regexFind ":[0-9]+$" (urlParse .).host | trimPrefix ":" | default (hasPrefix "https:" . | ternary "443" "80") }}
{{- end }}

{{- /* What a component calls beyond that: other components, addresses of `services`, collectors, and `egress`. Takes [root, component]. */}}
{{- define "slipway.componentEgress" -}}
{{- $root := first . }}{{ $component := last . }}
{{- $policy := $root.Values.networkPolicy }}
{{- $calls := include "slipway.calls" . | fromJson }}
{{- with $calls.components }}
{{ include "slipway.rule" (dict "direction" "to" "ports" (list (dict "port" 8000)) "peers" (include "slipway.podPeers" (list $root .) | fromJsonArray)) }}
{{- end }}
{{- range $calls.urls }}
{{ include "slipway.rule" (dict "direction" "to" "ports" (list (dict "port" (include "slipway.portOf" . | int))) "peers" (include "slipway.peers" $policy.services | fromJsonArray)) }}
{{- end }}
{{- $told := mergeOverwrite (deepCopy $root.Values.settings) $component.settings $component.env }}
{{- range list "SLIPWAY_TELEMETRY__OTLP_ENDPOINT" }}
{{- $collector := get $told . }}
{{- if and $collector (kindIs "string" $collector) }}
{{ include "slipway.rule" (dict "direction" "to" "ports" (list (dict "port" (include "slipway.portOf" $collector | int))) "peers" (include "slipway.peers" $policy.collectors | fromJsonArray)) }}
{{- end }}
{{- end }}
{{- range $policy.egress }}{{ if . }}
- {{ toJson . }}
{{- end }}{{ end }}
{{- end }}
