{{- /* Prometheus' rules: files, because they are full of braces that are not Helm's; what is a value stands there as %{name}. */}}

{{- /* What fills %{…} in every file, as JSON. */}}
{{- define "slipway.ruleValues" -}}
{{- $full := include "slipway.fullname" . }}
{{- $workloads := list }}
{{- range $name := include "slipway.components" . | fromJson | keys | sortAlpha }}
{{- $workloads = append $workloads (printf "%s-%s" $full $name) }}
{{- end }}
{{- with .Values.monitoring.rules }}
{{- $slow := list }}
{{- range $route, $is := .objectives.slowRoutes }}{{ if $is }}{{ $slow = append $slow $route }}{{ end }}{{ end }}
{{- dict
  "workloads" (join "|" $workloads)
  "namespace" $.Release.Namespace
  "runbooks" .runbooks
  "grafana" .grafana
  "availability" (toString .objectives.availability)
  "latency" (toString .objectives.latency)
  "latencySeconds" .objectives.latencySeconds
  "slowRoutes" (join "|" ($slow | sortAlpha)) | toJson }}
{{- end }}
{{- end }}

{{- /* Groups of a file, filled and with the user's changes of alerts, as a JSON list. Takes [root, file, values beside those above]. */}}
{{- define "slipway.ruleGroups" -}}
{{- $root := first . }}
{{- $text := $root.Files.Get (printf "files/rules/%s.yaml" (index . 1)) }}
{{- range $name, $value := mergeOverwrite (include "slipway.ruleValues" $root | fromJson) (last .) }}
{{- $text = replace (printf "%%{%s}" $name) $value $text }}
{{- end }}
{{- $groups := list }}
{{- range $group := (fromYaml $text).groups }}
{{- $rules := list }}
{{- range $rule := $group.rules }}
{{- $change := index $root.Values.monitoring.rules.alerts ($rule.alert | default "") | default dict }}
{{- if ne (toString $change.enabled) "false" }}
{{- with $change.for }}{{ $_ := set $rule "for" . }}{{ end }}
{{- with $change.severity }}{{ $_ := set $rule.labels "severity" . }}{{ end }}
{{- with $change.labels }}{{ $_ := set $rule "labels" (mergeOverwrite (deepCopy .) $rule.labels) }}{{ end }}
{{- $rules = append $rules $rule }}
{{- end }}
{{- end }}
{{- if $rules }}{{ $groups = append $groups (set $group "rules" $rules) }}{{ end }}
{{- end }}
{{- toJson $groups }}
{{- end }}

{{- /* Each PrometheusRule by the end of its name, as JSON: {name: [file, values]}. */}}
{{- define "slipway.ruleFiles" -}}
{{- $objectives := .Values.monitoring.rules.objectives }}
{{- $files := dict "slo" (list "slo" dict) "alerts" (list "alerts" dict) }}
{{- range $name := include "slipway.components" . | fromJson | keys }}
{{- $component := dict "component" (printf "%s-%s" (include "slipway.fullname" $) $name) }}
{{- $_ := set $files (printf "down-%s" $name) (list "component" $component) }}
{{- end }}
{{- range $name, $own := $objectives.routes }}
{{- $all := pick $objectives "availability" "latency" "latencySeconds" }}
{{- $route := merge (dict "name" $name) (deepCopy $own) (dict "methods" ".+") (deepCopy $all) }}
{{- range $key, $value := $route }}{{ $_ := set $route $key (toString $value) }}{{ end }}
{{- $_ := set $files (printf "slo-%s" $name) (list "route" $route) }}
{{- end }}
{{- toJson $files }}
{{- end }}

{{- /* Sentences about changes of alerts that there are not, as a JSON list. */}}
{{- define "slipway.wrongRules" -}}
{{- $wrong := list }}
{{- $text := printf "%s%s" (.Files.Get "files/rules/alerts.yaml") (.Files.Get "files/rules/component.yaml") }}
{{- range $name := keys .Values.monitoring.rules.alerts | sortAlpha }}
{{- if not (contains (printf "alert: %s\n" $name) $text) }}
{{- $wrong = append $wrong (printf "monitoring.rules.alerts.%s changes an alert that there is not: see observability/runbooks for their names." $name) }}
{{- end }}
{{- end }}
{{- toJson $wrong }}
{{- end }}
