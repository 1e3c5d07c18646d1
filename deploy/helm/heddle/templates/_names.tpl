{{- define "heddle.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- /* Short enough that every suffix below fits into the 63 characters of a label. */ -}}
{{- define "heddle.fullname" -}}
{{- $name := include "heddle.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{ .Values.fullnameOverride | default $full | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "heddle.selector" -}}
app.kubernetes.io/name: {{ include "heddle.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "heddle.labels" -}}
{{ include "heddle.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* An image of the release: {root, name, digest}. */ -}}
{{- define "heddle.image" -}}
{{- $image := .root.Values.image -}}
{{- if .digest -}}
{{ printf "%s/%s@%s" (trimSuffix "/" $image.registry) .name .digest }}
{{- else -}}
{{ printf "%s/%s:%s" (trimSuffix "/" $image.registry) .name ($image.tag | default .root.Chart.AppVersion) }}
{{- end -}}
{{- end }}

{{- define "heddle.secrets" -}}
{{ ternary (printf "%s-generated" (include "heddle.fullname" .)) .Values.secrets.existingSecret .Values.secrets.generate }}
{{- end }}

{{- /* Whether automators have Pods of their own. */ -}}
{{- define "heddle.automatorPods" -}}
{{ if and .Values.automator.enabled (not .Values.automator.inApiPod) }}true{{ end }}
{{- end }}
