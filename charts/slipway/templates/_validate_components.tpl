{{- /* Components that cannot be as they are said to be, and ways to them that lead nowhere. */}}

{{- define "slipway.wrongComponents" -}}
{{- $wrong := list }}
{{- $components := include "slipway.components" . | fromJson }}
{{- if not $components }}
{{- $wrong = append $wrong "components has no enabled entry: nothing would run." }}
{{- end }}
{{- range $name, $component := $components }}
{{- if or (not (regexMatch "^[a-z]([-a-z0-9]{0,18}[a-z0-9])?$" $name)) (has $name (list "dashboard" "migrate" "postgres" "rules" "service" "test")) }}
{{- $wrong = append $wrong (printf "components.%s cannot be called so: a name has at most 20 small letters, digits and hyphens, and dashboard, migrate, postgres, rules, service and test are taken." $name) }}
{{- end }}
{{- $startup := $component.probes.startup }}
{{- $seconds := mul (int ($startup.periodSeconds | default 10)) (int ($startup.failureThreshold | default 3)) }}
{{- if lt (int $component.progressDeadlineSeconds) (int $seconds) }}
{{- $wrong = append $wrong (printf "components.%s.progressDeadlineSeconds=%d is less than the %d s that probes.startup gives a start." $name (int $component.progressDeadlineSeconds) (int $seconds)) }}
{{- end }}
{{- $grace := include "slipway.gracePeriod" $ | int }}
{{- $said := $component.podSpec.terminationGracePeriodSeconds }}
{{- if and (hasKey $component.podSpec "terminationGracePeriodSeconds") (lt (int $said) $grace) }}
{{- $wrong = append $wrong (printf "components.%s.podSpec.terminationGracePeriodSeconds=%d is less than the %d s that shutdown adds up to: leave it out." $name (int $said) $grace) }}
{{- end }}
{{- range include "slipway.features" $component | fromJsonArray }}{{ if not (hasKey $.Values.features .) }}
{{- $wrong = append $wrong (printf "components.%s.features.%s is none of features (%s): add an entry there if the image has it." $name . (keys $.Values.features | sortAlpha | join ", ")) }}
{{- end }}{{ end }}
{{- $known := (include "slipway.calls" (list $ $component) | fromJson).addresses }}
{{- range $feature, $about := $.Values.features }}
{{- if and $about.called (not (include "slipway.runs" (list $component $feature))) (not (hasKey $known $feature)) }}
{{- $wrong = append $wrong (printf "components.%s.features leaves out %s, which no component of this release runs: say in services.%s where it is." $name $feature $feature) }}
{{- end }}
{{- end }}
{{- $wrong = concat $wrong (include "slipway.wrongScaling" (list $name $component.autoscaling) | fromJsonArray) }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{- /* Takes [name of the component, its `autoscaling`]. */}}
{{- define "slipway.wrongScaling" -}}
{{- $wrong := list }}
{{- $path := printf "components.%s.autoscaling" (first .) }}
{{- with last . }}
{{- if and .enabled .keda.enabled }}
{{- $wrong = append $wrong (printf "%s.enabled=true and %s.keda.enabled=true contradict each other: two autoscalers would fight over one Deployment." $path $path) }}
{{- end }}
{{- if and (or .enabled .keda.enabled) (gt (int .minReplicas) (int .maxReplicas)) }}
{{- $wrong = append $wrong (printf "%s.minReplicas=%d is more than %s.maxReplicas=%d." $path (int .minReplicas) $path (int .maxReplicas)) }}
{{- end }}
{{- if and .enabled (lt (int .minReplicas) 1) }}
{{- $wrong = append $wrong (printf "%s.minReplicas=0 is for KEDA alone: a HorizontalPodAutoscaler keeps at least one pod." $path) }}
{{- end }}
{{- if and .enabled (not .cpuUtilization) (not .memoryUtilization) (not .metrics) }}
{{- $wrong = append $wrong (printf "%s.enabled=true has nothing to go by: set autoscaling.cpuUtilization or autoscaling.metrics." $path) }}
{{- end }}
{{- if and .keda.enabled (not .keda.triggers) }}
{{- $wrong = append $wrong (printf "%s.keda.triggers is empty: KEDA has nothing to go by." $path) }}
{{- end }}
{{- if and .keda.enabled (gt (int .keda.fallback.replicas) (int .maxReplicas)) }}
{{- $wrong = append $wrong (printf "%s.keda.fallback.replicas=%d is more than %s.maxReplicas=%d." $path (int .keda.fallback.replicas) $path (int .maxReplicas)) }}
{{- end }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{- define "slipway.wrongTraffic" -}}
{{- $wrong := list }}
{{- $serving := dict }}
{{- $seen := dict }}
{{- range $name, $component := include "slipway.components" . | fromJson }}{{ if $component.http }}
{{- $_ := set $serving $name true }}
{{- range include "slipway.features" $component | fromJsonArray }}
{{- if hasKey $seen . }}
{{- $wrong = append $wrong (printf "components.%s.features.%s is components.%s's already: its paths can lead to one of them only." $name . (get $seen .)) }}
{{- end }}
{{- $_ := set $seen . $name }}
{{- end }}
{{- end }}{{ end }}
{{- with .Values.defaultComponent }}{{ if not (hasKey $serving .) }}
{{- $wrong = append $wrong (printf "defaultComponent=%s is no enabled component that serves HTTP." .) }}
{{- end }}{{ end }}
{{- range $kind := list "ingress" "httpRoute" }}{{ if and (get $.Values $kind).enabled (not $serving) }}
{{- $wrong = append $wrong (printf "%s.enabled=true has nowhere to lead: no enabled component serves HTTP." $kind) }}
{{- end }}{{ end }}
{{- range $name, $_ := .Values.ingress.tls }}{{ if not (hasKey $.Values.ingress.hosts $name) }}
{{- $wrong = append $wrong (printf "ingress.tls.%s is the certificate of no host: ingress.hosts has no entry of this name." $name) }}
{{- end }}{{ end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- $wrong = append $wrong "httpRoute.parentRefs is empty: name the Gateway that the route belongs to." }}
{{- end }}
{{- range $name, $_ := .Values.httpRoute.canaries }}{{ if not (hasKey $serving $name) }}
{{- $wrong = append $wrong (printf "httpRoute.canaries.%s is no enabled component that serves HTTP." $name) }}
{{- end }}{{ end }}
{{- with .Values.monitoring }}{{ if and .serviceMonitor.enabled .podMonitor.enabled }}
{{- $wrong = append $wrong "monitoring.serviceMonitor.enabled=true and monitoring.podMonitor.enabled=true contradict each other: everything would be scraped twice." }}
{{- end }}{{ end }}
{{- toJson $wrong }}
{{- end }}
