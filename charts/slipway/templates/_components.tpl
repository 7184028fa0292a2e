{{- /* What a component is after its defaults, how many pods it has, and which features it runs. */}}

{{- /* The enabled components as JSON, each with its defaults. */}}
{{- define "slipway.components" -}}
{{- $all := dict }}
{{- range $name, $own := .Values.components }}
{{- $component := mergeOverwrite (deepCopy $.Values.defaults) (deepCopy ($own | default dict)) }}
{{- if ne (toString $component.enabled) "false" }}{{ $_ := set $all $name $component }}{{ end }}
{{- end }}
{{- include "slipway.withoutNulls" $all }}
{{- end }}

{{- /* A map as JSON, less what somebody took out of it with null. */}}
{{- define "slipway.withoutNulls" -}}
{{- $kept := dict }}
{{- range $name, $value := . }}
{{- if kindIs "map" $value }}{{ $_ := set $kept $name (include "slipway.withoutNulls" $value | fromJson) }}
{{- else if not (kindIs "invalid" $value) }}{{ $_ := set $kept $name $value }}
{{- end }}
{{- end }}
{{- toJson $kept }}
{{- end }}

{{- /* Values of a pod that runs once: the defaults that every pod shares, and its own. Takes [root, its values]. */}}
{{- define "slipway.once" -}}
{{- $shared := pick (first .).Values.defaults "resources" "settings" "env" "volumes" "podAnnotations" "podLabels" "podSpec" "containerSpec" }}
{{- include "slipway.withoutNulls" (mergeOverwrite (deepCopy $shared) (deepCopy (last .))) }}
{{- end }}

{{- /* Whether something else than the Deployment says how many pods there are. */}}
{{- define "slipway.scaled" -}}
{{- if or .autoscaling.enabled .autoscaling.keda.enabled }}true{{ end }}
{{- end }}

{{- /* How many pods a component keeps at least and at most. */}}
{{- define "slipway.floor" -}}
{{ if include "slipway.scaled" . }}{{ .autoscaling.minReplicas }}{{ else }}{{ .replicas }}{{ end }}
{{- end }}

{{- define "slipway.ceiling" -}}
{{ if include "slipway.scaled" . }}{{ .autoscaling.maxReplicas }}{{ else }}{{ .replicas }}{{ end }}
{{- end }}

{{- /* The features that a component names, sorted, as JSON; none means all. */}}
{{- define "slipway.features" -}}
{{- $names := list }}
{{- range $name, $runs := .features }}{{ if $runs }}{{ $names = append $names $name }}{{ end }}{{ end }}
{{- toJson $names }}
{{- end }}

{{- /* Whether a component runs a feature. Takes [component, feature]. */}}
{{- define "slipway.runs" -}}
{{- $named := include "slipway.features" (first .) | fromJsonArray }}
{{- if or (not $named) (has (last .) $named) }}true{{ end }}
{{- end }}

{{- /* The features of the whole release as SLIPWAY_FEATURES takes them; nothing where a component runs all. */}}
{{- define "slipway.allFeatures" -}}
{{- $names := list }}
{{- $all := false }}
{{- range include "slipway.components" . | fromJson }}
{{- $named := include "slipway.features" . | fromJsonArray }}
{{- $names = concat $names $named }}
{{- if not $named }}{{ $all = true }}{{ end }}
{{- end }}
{{- if not $all }}{{ $names | uniq | sortAlpha | join "," }}{{ end }}
{{- end }}

{{- /* The component that answers for each feature, as JSON: one that names it, or else one that runs all. */}}
{{- define "slipway.owners" -}}
{{- $owners := dict }}
{{- $whole := "" }}
{{- $default := include "slipway.defaultComponent" . }}
{{- range $name, $component := include "slipway.components" . | fromJson }}{{ if $component.http }}
{{- $named := include "slipway.features" $component | fromJsonArray }}
{{- range $named }}{{ if not (hasKey $owners .) }}{{ $_ := set $owners . $name }}{{ end }}{{ end }}
{{- if and (not $named) (or (not $whole) (eq $name $default)) }}{{ $whole = $name }}{{ end }}
{{- end }}{{ end }}
{{- range $feature, $_ := .Values.features }}
{{- if and $whole (not (hasKey $owners $feature)) }}{{ $_ := set $owners $feature $whole }}{{ end }}
{{- end }}
{{- toJson $owners }}
{{- end }}

{{- /* The component that gets what no other claims. */}}
{{- define "slipway.defaultComponent" -}}
{{- $serving := list }}
{{- range $name, $component := include "slipway.components" . | fromJson }}{{ if $component.http }}{{ $serving = append $serving $name }}{{ end }}{{ end }}
{{- if .Values.defaultComponent }}{{ .Values.defaultComponent }}
{{- else if has "api" $serving }}api
{{- else if $serving }}{{ first $serving }}
{{- end }}
{{- end }}
