{{- /* Who reaches which component: other components by its Service, and the world by its paths. */}}

{{- define "slipway.url" -}}
{{- $root := first . }}{{ $name := last . -}}
http://{{ include "slipway.fullname" $root }}-{{ $name }}:{{ (get (include "slipway.components" $root | fromJson) $name).service.port }}
{{- end }}

{{- /*
What a component calls, as JSON: `addresses`, a URL for each feature that it does not run; `components`, those of this
release behind them; `urls`, those elsewhere. Takes [root, component].
*/}}
{{- define "slipway.calls" -}}
{{- $root := first . }}{{ $component := last . }}
{{- $owners := include "slipway.owners" $root | fromJson }}
{{- $addresses := dict }}{{ $components := dict }}{{ $urls := dict }}
{{- range concat (keys $root.Values.services) (keys $root.Values.features) | uniq }}{{ if not (include "slipway.runs" (list $component .)) }}
{{- if get $root.Values.services . }}
{{- $_ := set $addresses . (get $root.Values.services .) }}
{{- $_ := set $urls (get $root.Values.services .) true }}
{{- else if hasKey $owners . }}
{{- $_ := set $addresses . (include "slipway.url" (list $root (get $owners .))) }}
{{- $_ := set $components (get $owners .) true }}
{{- end }}
{{- end }}{{ end }}
{{- dict "addresses" $addresses "components" (keys $components | sortAlpha) "urls" (keys $urls | sortAlpha) | toJson }}
{{- end }}

{{- /* The components that call one, as JSON. Takes [root, its name]. */}}
{{- define "slipway.callers" -}}
{{- $callers := list }}
{{- range $name, $component := include "slipway.components" (first .) | fromJson }}
{{- if has (last $) (include "slipway.calls" (list (first $) $component) | fromJson).components }}{{ $callers = append $callers $name }}{{ end }}
{{- end }}
{{- toJson $callers }}
{{- end }}

{{- /* Paths from outside, as a JSON list of {component, port, paths}; the last one gets what is left. */}}
{{- define "slipway.routes" -}}
{{- $default := include "slipway.defaultComponent" . }}
{{- $components := include "slipway.components" . | fromJson }}
{{- $owners := include "slipway.owners" . | fromJson }}
{{- $routes := list }}
{{- range $name, $component := $components }}{{ if ne $name $default }}
{{- $paths := list }}
{{- range $feature, $about := $.Values.features }}
{{- if eq (get $owners $feature) $name }}{{ $paths = concat $paths (values ($about.paths | default dict)) }}{{ end }}
{{- end }}
{{- with $paths }}{{ $routes = append $routes (dict "component" $name "port" $component.service.port "paths" (sortAlpha .)) }}{{ end }}
{{- end }}{{ end }}
{{- append $routes (dict "component" $default "port" (get $components $default).service.port "paths" (list "/")) | toJson }}
{{- end }}
