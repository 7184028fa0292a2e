{{- /* Parts that the pods of components, migration and tests share. */}}

{{- /* The restrictions of every container. */}}
{{- define "slipway.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end }}

{{- /* What the spec of every pod of the image begins with. */}}
{{- define "slipway.podBasics" -}}
automountServiceAccountToken: false
enableServiceLinks: false # Kubernetes would add variables that begin with SLIPWAY_
securityContext:
  runAsNonRoot: true
  {{- with int .Values.image.user }}
  runAsUser: {{ . }}
  runAsGroup: {{ . }}
  fsGroup: {{ . }}
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- $pull := list }}
{{- range $name, $use := .Values.image.pullSecrets }}{{ if $use }}{{ $pull = append $pull $name }}{{ end }}{{ end }}
{{- with $pull }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | toYaml }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Image, resources and restrictions of a container of the image. Takes [root, values with `resources`]. */}}
{{- define "slipway.containerBasics" -}}
{{- with (first .).Values.image -}}
image: {{ .repository }}:{{ .tag | default (first $).Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end }}
imagePullPolicy: {{ .pullPolicy }}
{{- end }}
{{- with (last .).resources }}
resources:
  requests:
    cpu: {{ .cpu }}
    memory: {{ .memory }}
  limits:
    memory: {{ .memory }}
{{- end }}
securityContext:
  {{- include "slipway.containerSecurity" . | nindent 2 }}
{{- end }}

{{- /* Mounts of the secrets and of a map of volumes. */}}
{{- define "slipway.volumeMounts" -}}
- name: secrets
  mountPath: /run/secrets/slipway
  readOnly: true
{{- range $name, $volume := . }}
- name: {{ $name }}
  mountPath: {{ $volume.mountPath }}
  readOnly: {{ ne (toString $volume.readOnly) "false" }}
{{- end }}
{{- end }}

{{- /* The volumes behind these mounts. Takes [root, map of volumes, map of {secret, key} by name in `secrets`]. */}}
{{- define "slipway.volumes" -}}
{{- $files := dict "databasePassword" "database__password" "signingKey" "auth__signing_key" "previousKey" "auth__previous_key" }}
{{- $root := first . }}
{{- $sources := last . -}}
- name: secrets
  projected:
    defaultMode: 0440 # read through the group that is fsGroup
    sources:
      {{- range $name := list "databasePassword" "signingKey" "previousKey" }}{{ with get $sources $name }}
      - secret:
          name: {{ .secret | default (include "slipway.secretName" $root) | toYaml }}
          items:
            - key: {{ .key }}
              path: {{ get $files $name }}
          {{- if eq $name "previousKey" }}
          optional: true
          {{- end }}
      {{- end }}{{ end }}
      {{- with $root.Values.database.sslRootCert }}{{ if or .secret .configMap }}
      - {{ empty .secret | ternary "configMap" "secret" }}:
          name: {{ .secret | default .configMap | toYaml }}
          items:
            - key: {{ .key }}
              path: database__ssl_root_cert
      {{- end }}{{ end }}
{{- range $name, $volume := index . 1 }}
- name: {{ $name }}
  {{- toYaml $volume.source | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Containers of a map as items of a list, each restricted like ours unless it says otherwise. */}}
{{- define "slipway.moreContainers" -}}
{{- range $name, $container := . }}
{{- $restricted := printf "name: %s\nsecurityContext:\n%s" $name (include "slipway.containerSecurity" $ | indent 2) }}
- {{ include "slipway.merged" (list $restricted $container) | nindent 2 | trim }}
{{- end }}
{{- end }}

{{- /*
Metadata of a pod. Takes a map: root, name (of its component), values, annotations (the chart's own). The selector's
labels come last, so that no `podLabels` can change them.
*/}}
{{- define "slipway.podMetadata" -}}
{{- $selector := include "slipway.selectorLabels" (list .root .name) }}
{{- $version := include "slipway.version" .root }}
{{- $part := dict "app.kubernetes.io/part-of" "slipway" "app.kubernetes.io/version" $version -}}
labels:
  {{- include "slipway.merged" (list .values.podLabels $selector $part) | nindent 2 }}
{{- with mergeOverwrite (.annotations | default dict) (.values.podAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Maps merged into one, later ones over earlier ones; a text is a map written as YAML. */}}
{{- define "slipway.merged" -}}
{{- $merged := dict }}
{{- range . }}
{{- if kindIs "string" . }}{{ $merged = mergeOverwrite $merged (fromYaml .) }}
{{- else if . }}{{ $merged = mergeOverwrite $merged (deepCopy .) }}
{{- end }}
{{- end }}
{{- toYaml $merged }}
{{- end }}

{{- /* The spec of a pod after `containerSpec` and `podSpec` are merged over it. Takes [its text, values]. */}}
{{- define "slipway.podSpec" -}}
{{- $spec := first . | fromYaml }}
{{- $_ := mergeOverwrite (first $spec.containers) (deepCopy ((last .).containerSpec | default dict)) }}
{{- mergeOverwrite $spec (deepCopy ((last .).podSpec | default dict)) | toYaml }}
{{- end }}
