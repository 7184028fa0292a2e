{{- /* The one pod that components, the migration and the tests are made of. */}}

{{- define "slipway.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end }}

{{- define "slipway.podSecurity" -}}
runAsNonRoot: true
{{- if . }}
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "slipway.resources" -}}
requests:
  cpu: {{ .cpu }}
  memory: {{ .memory }}
limits:
  memory: {{ .memory }}
{{- end }}

{{- /*
Metadata of a pod. Takes a map: root, component (its label), values (of the component), annotations (the chart's own).
The selector's labels are written last, so that no `podLabels` can change them.
*/}}
{{- define "slipway.podMetadata" -}}
labels:
  {{- $labels := include "slipway.selectorLabels" (list .root .component) | fromYaml }}
  {{- $_ := set $labels "app.kubernetes.io/part-of" "slipway" }}
  {{- $_ := set $labels "app.kubernetes.io/version" (include "slipway.version" .root) }}
  {{- mergeOverwrite (deepCopy .values.podLabels) $labels | toYaml | nindent 2 }}
{{- with mergeOverwrite (dict) (.annotations | default dict) .values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /*
Spec of a pod. Takes a map: root, values (of the component), env (a map), secrets (names), and what differs from
pod to pod: container and spec, both maps. All but root and values may be left out.
*/}}
{{- define "slipway.podSpec" -}}
{{- $values := .values }}
{{- $spec := include "slipway.commonPodSpec" . | fromYaml }}
{{- $container := mergeOverwrite (include "slipway.container" . | fromYaml) (.container | default dict) (deepCopy $values.containerSpec) }}
{{- $_ := set $spec "containers" (concat (list $container) (include "slipway.moreContainers" $values.containers | fromJsonArray)) }}
{{- with include "slipway.moreContainers" $values.initContainers | fromJsonArray }}{{ $_ := set $spec "initContainers" . }}{{ end }}
{{- mergeOverwrite $spec (.spec | default dict) (deepCopy $values.podSpec) | toYaml }}
{{- end }}

{{- /* Containers of a map as a JSON list, each restricted like ours unless it says otherwise. */}}
{{- define "slipway.moreContainers" -}}
{{- $containers := list }}
{{- range $name, $container := . }}
{{- $safe := dict "name" $name "securityContext" (include "slipway.containerSecurity" $ | fromYaml) }}
{{- $containers = append $containers (mergeOverwrite $safe (deepCopy $container)) }}
{{- end }}
{{- toJson $containers }}
{{- end }}

{{- define "slipway.commonPodSpec" -}}
{{- $image := .root.Values.image -}}
automountServiceAccountToken: false
enableServiceLinks: false # Kubernetes would add variables that begin with SLIPWAY_
securityContext:
  {{- include "slipway.podSecurity" (int $image.user) | nindent 2 }}
{{- $pull := list }}
{{- range $name, $use := $image.pullSecrets }}{{ if $use }}{{ $pull = append $pull (dict "name" $name) }}{{ end }}{{ end }}
{{- with $pull }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if or .secrets .values.volumes }}
volumes:
  {{- with .secrets }}
  - name: secrets
    projected:
      defaultMode: 0440 # read through the group that is fsGroup
      sources:
        {{- include "slipway.secretSources" (list $.root . $.values) | nindent 8 }}
  {{- end }}
  {{- range $name, $volume := .values.volumes }}
  - {{ merge (dict "name" $name) $volume.source | toJson }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "slipway.container" -}}
{{- $image := .root.Values.image -}}
name: slipway
image: {{ include "slipway.image" (dict "repository" $image.repository "tag" ($image.tag | default .root.Chart.AppVersion) "digest" $image.digest) }}
imagePullPolicy: {{ $image.pullPolicy }}
{{- with .env }}
env:
  {{- include "slipway.env" . | nindent 2 }}
{{- end }}
resources:
  {{- include "slipway.resources" .values.resources | nindent 2 }}
securityContext:
  {{- include "slipway.containerSecurity" . | nindent 2 }}
{{- if or .secrets .values.volumes }}
volumeMounts:
  {{- if .secrets }}
  - name: secrets
    mountPath: /run/secrets/slipway
    readOnly: true
  {{- end }}
  {{- range $name, $volume := .values.volumes }}
  - name: {{ $name }}
    mountPath: {{ $volume.mountPath }}
    readOnly: {{ ne (toString $volume.readOnly) "false" }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* An init container that ends when the database of this release accepts connections. */}}
{{- define "slipway.waitForDatabase" -}}
{{- $container := omit (include "slipway.container" . | fromYaml) "volumeMounts" }}
{{- $_ := set $container "name" "wait-for-database" }}
{{- $_ := set $container "command" (list "python" "-c" (.root.Files.Get "files/wait_for_database.py")) }}
{{- $_ := set $container "args" (list (include "slipway.databaseHost" .root) "5432") }}
{{- toYaml $container }}
{{- end }}
