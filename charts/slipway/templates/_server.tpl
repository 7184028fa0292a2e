{{- /* What the pod of a component has beside the common pod: ports, probes, a stop that drops nothing, and a place. */}}

{{- define "slipway.server" -}}
args:
  {{- toYaml .values.args | nindent 2 }}
envFrom:
  - configMapRef:
      name: {{ include "slipway.fullname" .root }}
ports:
  {{- if .values.http }}
  - name: http
    containerPort: 8000
  {{- end }}
  - name: metrics
    containerPort: 9464
{{- /* The port for metrics knows no /startupz: there, ready once is started. */}}
{{- $paths := dict "startup" (.values.http | ternary "/startupz" "/readyz") "readiness" "/readyz" "liveness" "/livez" }}
{{- range $kind, $path := $paths }}
{{- $ask := dict "httpGet" (dict "path" $path "port" ($.values.http | ternary "http" "metrics")) }}
{{ $kind }}Probe:
  {{- mergeOverwrite $ask (get $.values.probes $kind) | toYaml | nindent 2 }}
{{- end }}
{{- with .root.Values.shutdown.preStopSeconds }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ . }}
{{- end }}
{{- end }}

{{- define "slipway.gracePeriod" -}}
{{- with .Values.shutdown }}{{ add .preStopSeconds .drainSeconds .requestSeconds 5 }}{{ end }}
{{- end }}

{{- define "slipway.placement" -}}
serviceAccountName: {{ include "slipway.serviceAccountName" .root }}
terminationGracePeriodSeconds: {{ include "slipway.gracePeriod" .root }}
{{- $keys := dict "nodes" "kubernetes.io/hostname" "zones" "topology.kubernetes.io/zone" }}
{{- $otherwise := dict "soft" "ScheduleAnyway" "hard" "DoNotSchedule" }}
{{- $constraints := list }}
{{- range $over, $way := .values.spread }}{{ if ne $way "none" }}
{{- $constraints = append $constraints (dict
  "topologyKey" (get $keys $over)
  "maxSkew" 1
  "whenUnsatisfiable" (get $otherwise $way)
  "labelSelector" (dict "matchLabels" $.selector)
  "matchLabelKeys" (list "pod-template-hash")) }}
{{- end }}{{ end }}
{{- with $constraints }}
topologySpreadConstraints: # of this revision alone: the last one's pods do not count during a rollout
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* The variables of a component alone. Takes [root, component]. */}}
{{- define "slipway.componentEnv" -}}
{{- $env := deepCopy (last .).settings }}
{{- with include "slipway.features" (last .) | fromJsonArray }}{{ $_ := set $env "SLIPWAY_FEATURES" (join "," .) }}{{ end }}
{{- with (last .).database.user }}{{ $_ := set $env "SLIPWAY_DATABASE__USER" . }}{{ end }}
{{- range $feature, $url := (include "slipway.calls" . | fromJson).addresses }}
{{- $_ := set $env (printf "SLIPWAY_SERVICES__%s" ($feature | upper | replace "-" "_")) $url }}
{{- end }}
{{- mergeOverwrite $env (last .).env | toJson }}
{{- end }}
