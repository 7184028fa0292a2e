{{- /* The components with their defaults. */}}

{{- /*
The enabled components by name, as JSON: the values of each over `defaults`, and what follows from them:
`scaled`: an autoscaler sets the number of pods; `minPods`, `maxPods`: that number; `gracePeriodSeconds`;
`urls`: the base URL of each feature that it calls; `callees`: the components of this release behind them.
*/}}
{{- define "slipway.components" -}}
{{- $components := dict }}
{{- $maps := dict "calls" dict "paths" dict "settings" dict "env" dict "podAnnotations" dict "podSpec" dict "containerSpec" dict }}
{{- range $name := include "slipway.componentNames" . | splitList " " | compact }}
{{- $own := get $.Values.components $name | default dict }}
{{- $component := mergeOverwrite (deepCopy $maps) (deepCopy $.Values.defaults) (deepCopy $own) }}
{{- $_ := include "slipway.dropNulls" $component }}
{{- $_ := set $components $name $component }}
{{- end }}
{{- range $name, $component := $components }}
{{- $scaling := $component.autoscaling }}
{{- $scaled := or $scaling.enabled $scaling.keda.enabled | default false }}
{{- $_ := set $component "scaled" $scaled }}
{{- $_ := set $component "minPods" ($scaled | ternary $scaling.minReplicas $component.replicas) }}
{{- $_ := set $component "maxPods" ($scaled | ternary $scaling.maxReplicas $component.replicas) }}
{{- with $.Values.shutdown }}
{{- $_ := set $component "gracePeriodSeconds" (add .preStopSeconds .drainSeconds .requestSeconds 5) }}
{{- end }}
{{- $urls := dict }}
{{- $callees := list }}
{{- range $feature, $target := $component.calls }}
{{- if contains "://" $target }}
{{- $_ := set $urls $feature $target }}
{{- else if and (ne $target $name) (hasKey $components $target) }}
{{- $port := (get $components $target).service.port }}
{{- $_ := set $urls $feature (printf "http://%s-%s:%v" (include "slipway.fullname" $) $target $port) }}
{{- $callees = append $callees $target }}
{{- end }}
{{- end }}
{{- $_ := set $component "urls" $urls }}
{{- $_ := set $component "callees" ($callees | uniq | sortAlpha) }}
{{- end }}
{{- toJson $components }}
{{- end }}

{{- /* The names of the enabled components, sorted, separated by spaces. */}}
{{- define "slipway.componentNames" -}}
{{- range $name, $own := .Values.components }}
{{- $enabled := (mergeOverwrite (pick $.Values.defaults "enabled") (pick ($own | default dict) "enabled")).enabled }}
{{- if ne (toString $enabled) "false" }}{{ $name }} {{ end }}
{{- end }}
{{- end }}

{{- /* Takes out of a map, in place, what values set to null. */}}
{{- define "slipway.dropNulls" -}}
{{- range $name, $value := . }}
{{- if kindIs "map" $value }}{{ $_ := include "slipway.dropNulls" $value }}
{{- else if kindIs "invalid" $value }}{{ $_ := unset $ $name }}
{{- end }}
{{- end }}
{{- end }}
