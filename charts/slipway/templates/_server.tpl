{{- /* What a pod that serves has beside the common pod: ports, probes, a stop that drops nothing, and a place. */}}

{{- define "slipway.server" -}}
args:
  {{- toYaml .values.args | nindent 2 }}
envFrom:
  - configMapRef:
      name: {{ include "slipway.fullname" .root }}
ports:
  - name: http
    containerPort: 8000
  - name: metrics
    containerPort: 9464
{{- range $kind, $path := dict "startup" "/startupz" "readiness" "/readyz" "liveness" "/livez" }}
{{ $kind }}Probe:
  {{- mergeOverwrite (dict "httpGet" (dict "path" $path "port" "http")) (get $.values.probes $kind) | toYaml | nindent 2 }}
{{- end }}
{{- with .root.Values.shutdown.preStopSeconds }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ . }}
{{- end }}
{{- end }}

{{- define "slipway.placement" -}}
serviceAccountName: {{ include "slipway.serviceAccountName" .root }}
{{- with .root.Values.shutdown }}
terminationGracePeriodSeconds: {{ add .preStopSeconds .drainSeconds .requestSeconds 5 }}
{{- end }}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway # a full cluster is no reason to run fewer pods
    labelSelector:
      matchLabels: {{ $.selector | toJson }}
    matchLabelKeys: [pod-template-hash] # pods of the last revision do not count during a rollout
  {{- end }}
{{- end }}
