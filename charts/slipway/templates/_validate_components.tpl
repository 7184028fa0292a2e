{{- /* Sentences about components and the ways to them. Takes [root, components]. */}}
{{- define "slipway.wrongComponents" }}
{{- $root := first . }}
{{- $components := last . }}
{{- if not $components }}
- components has no enabled entry: nothing would run.
{{- end }}
{{- $taken := list "dashboard" "migrate" "postgres" "rules" "service" "test" }}
{{- range $name, $component := $components }}
{{- if or (not (regexMatch "^[a-z]([-a-z0-9]{0,18}[a-z0-9])?$" $name)) (has $name $taken) }}
- components.{{ $name }} cannot be called so: a name has at most 20 small letters, digits and hyphens, and
  dashboard, migrate, postgres, rules, service and test are taken.
{{- end }}
{{- $startup := $component.probes.startup | default dict }}
{{- $seconds := mul ($startup.periodSeconds | default 10) ($startup.failureThreshold | default 3) }}
{{- if lt (int $component.progressDeadlineSeconds) (int $seconds) }}
- components.{{ $name }}.progressDeadlineSeconds={{ $component.progressDeadlineSeconds }} is less than the
  {{ $seconds }} s that probes.startup gives a start.
{{- end }}
{{- $grace := $component.podSpec.terminationGracePeriodSeconds }}
{{- if and (hasKey $component.podSpec "terminationGracePeriodSeconds") (lt (int $grace) (int $component.gracePeriodSeconds)) }}
- components.{{ $name }}.podSpec.terminationGracePeriodSeconds={{ $grace }} is less than the
  {{ $component.gracePeriodSeconds }} s that shutdown adds up to: leave it out.
{{- end }}
{{- if ne (empty $component.database.user) (empty $component.database.secret) }}
- components.{{ $name }}.database needs both user and secret, or neither: another role has another password.
{{- end }}
{{- /* Tokens are verified with the keys of who issues them. */}}
{{- $keys := or $component.issuesTokens (not $component.features) }}
{{- range $feature, $target := $component.calls }}
{{- $callee := get $components $target }}
{{- if or (contains "://" $target) ($callee | default dict).issuesTokens }}{{ $keys = true }}{{ end }}
{{- if not (or (contains "://" $target) ($callee | default dict).http) }}
- components.{{ $name }}.calls.{{ $feature }}={{ $target }} is neither a base URL nor an enabled component that serves HTTP.
{{- end }}
{{- end }}
{{- if not $keys }}
- components.{{ $name }}.calls names no component that issues tokens, so it could verify none: add that component or its
  URL, or set components.{{ $name }}.issuesTokens=true if it issues them itself.
{{- end }}
{{- $path := printf "components.%s.autoscaling" $name }}
{{- with $component.autoscaling }}
{{- if and .enabled .keda.enabled }}
- {{ $path }}.enabled=true and {{ $path }}.keda.enabled=true contradict each other: two autoscalers would fight over one
  Deployment.
{{- end }}
{{- if and (or .enabled .keda.enabled) (gt (int .minReplicas) (int .maxReplicas)) }}
- {{ $path }}.minReplicas={{ .minReplicas }} is more than {{ $path }}.maxReplicas={{ .maxReplicas }}.
{{- end }}
{{- if and .enabled (lt (int .minReplicas) 1) }}
- {{ $path }}.minReplicas=0 is for KEDA alone: a HorizontalPodAutoscaler keeps at least one pod.
{{- end }}
{{- if and .enabled (not .cpuUtilization) (not .memoryUtilization) (not .metrics) }}
- {{ $path }}.enabled=true has nothing to go by: set autoscaling.cpuUtilization or autoscaling.metrics.
{{- end }}
{{- if and .keda.enabled (not .keda.triggers) }}
- {{ $path }}.keda.triggers is empty: KEDA has nothing to go by.
{{- end }}
{{- if and .keda.enabled (gt (int .keda.fallback.replicas) (int .maxReplicas)) }}
- {{ $path }}.keda.fallback.replicas={{ .keda.fallback.replicas }} is more than {{ $path }}.maxReplicas={{ .maxReplicas }}.
{{- end }}
{{- end }}
{{- end }}
{{- $values := $root.Values }}
{{- $serving := dict }}
{{- $owners := dict }}
{{- range $name, $component := $components }}{{ if $component.http }}
{{- $_ := set $serving $name true }}
{{- range $key, $path := $component.paths }}
{{- if hasKey $owners $path }}
- components.{{ $name }}.paths.{{ $key }}={{ $path }} is components.{{ get $owners $path }}'s already: a path can lead to one
  of them only.
{{- end }}
{{- $_ := set $owners $path $name }}
{{- end }}
{{- end }}{{ end }}
{{- range $kind := list "ingress" "httpRoute" }}{{ if and (get $values $kind).enabled (not $owners) }}
- {{ $kind }}.enabled=true has nowhere to lead: no enabled component that serves HTTP has paths.
{{- end }}{{ end }}
{{- range $name, $_ := $values.ingress.tls }}{{ if not (hasKey ($values.ingress.hosts | default dict) $name) }}
- ingress.tls.{{ $name }} is the certificate of no host: ingress.hosts has no entry of this name.
{{- end }}{{ end }}
{{- if and $values.httpRoute.enabled (not $values.httpRoute.parentRefs) }}
- httpRoute.parentRefs is empty: name the Gateway that the route belongs to.
{{- end }}
{{- range $name, $_ := $values.httpRoute.canaries }}{{ if not (hasKey $serving $name) }}
- httpRoute.canaries.{{ $name }} is not an enabled component that serves HTTP.
{{- end }}{{ end }}
{{- if and $components $values.tests.enabled }}
{{- range $name, $component := pick $values.tests "logIn" "write" }}{{ if and $component (not (hasKey $serving $component)) }}
- tests.{{ $name }}={{ $component }} is not an enabled component that serves HTTP: name one, or leave it empty.
{{- end }}{{ end }}
{{- end }}
{{- if and $values.monitoring.serviceMonitor.enabled $values.monitoring.podMonitor.enabled }}
- monitoring.serviceMonitor.enabled=true and monitoring.podMonitor.enabled=true contradict each other: everything would be
  scraped twice.
{{- end }}
{{- $closed := and $values.networkPolicy.enabled (not (include "slipway.peers" (list $root $values.networkPolicy.scrapers list))) }}
{{- range $kind := list "serviceMonitor" "podMonitor" }}{{ if and $closed (get $values.monitoring $kind).enabled }}
- monitoring.{{ $kind }}.enabled=true asks Prometheus to scrape pods that let nobody in: name its pods in
  networkPolicy.scrapers.
{{- end }}{{ end }}
{{- $rules := printf "%s%s" ($root.Files.Get "files/rules/alerts.yaml") ($root.Files.Get "files/rules/component.yaml") }}
{{- range $name, $_ := $values.monitoring.rules.alerts }}{{ if not (contains (printf "alert: %s\n" $name) $rules) }}
- monitoring.rules.alerts.{{ $name }} changes an alert that there is not: see observability/runbooks for their names.
{{- end }}{{ end }}
{{- /* Values of older charts. */}}
{{- if hasKey $values "features" }}
- features was replaced by components.<name>.paths, components.<name>.calls and components.<name>.issuesTokens: see
  UPGRADING.md.
{{- end }}
{{- if hasKey $values "services" }}
- services was renamed to components.<name>.calls, or defaults.calls for every component.
{{- end }}
{{- if hasKey $values "defaultComponent" }}
- defaultComponent was replaced by components.<name>.paths: the component with the path / gets all others.
{{- end }}
{{- end }}
