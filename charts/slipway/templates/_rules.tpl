{{- /*
Groups of a file in `files/rules`, filled and with the user's changes of alerts; empty if no rule is left. They are files
because PromQL and alert texts are full of braces that are not Helm's; a value stands there as %{name}.
Takes [root, file, values by name].
*/}}
{{- define "slipway.ruleGroups" -}}
{{- $root := first . }}
{{- $text := $root.Files.Get (printf "files/rules/%s.yaml" (index . 1)) }}
{{- range $name, $value := last . }}
{{- $text = replace (printf "%%{%s}" $name) $value $text }}
{{- end }}
{{- $groups := list }}
{{- range $group := (fromYaml $text).groups }}
{{- $rules := list }}
{{- range $rule := $group.rules }}
{{- $change := get ($root.Values.monitoring.rules.alerts | default dict) ($rule.alert | default "") | default dict }}
{{- if ne (toString $change.enabled) "false" }}
{{- with $change.for }}{{ $_ := set $rule "for" . }}{{ end }}
{{- with $change.severity }}{{ $_ := set $rule.labels "severity" . }}{{ end }}
{{- with $change.labels }}{{ $_ := set $rule "labels" (mergeOverwrite (deepCopy .) $rule.labels) }}{{ end }}
{{- $rules = append $rules $rule }}
{{- end }}
{{- end }}
{{- if $rules }}{{ $groups = append $groups (set $group "rules" $rules) }}{{ end }}
{{- end }}
{{- with $groups }}{{ toYaml . }}{{ end }}
{{- end }}
