{{- define "heddle.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- /* Short enough that every suffix below fits into the 63 characters of a label: the longest are `-automator-metrics`, and
       `-postgres-` with the ten of a StatefulSet's revision. */ -}}
{{- define "heddle.fullname" -}}
{{- $name := include "heddle.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{ .Values.fullnameOverride | default $full | trunc 43 | trimSuffix "-" }}
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

{{- /* What stands in manifests for other clusters. The API's image knows by their digests which; from where is said here. */ -}}
{{- define "heddle.imagesOfOthers" -}}
- name: HEDDLE_IMAGE_REGISTRY
  value: {{ trimSuffix "/" .Values.image.registry | quote }}
{{- with .Values.agent.image }}
- name: HEDDLE_AGENT_IMAGE
  value: {{ . | quote }}
{{- end }}
{{- with .Values.ownAutomator.image }}
- name: HEDDLE_AUTOMATOR_IMAGE
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "heddle.secrets" -}}
{{ ternary (printf "%s-generated" (include "heddle.fullname" .)) .Values.secrets.existingSecret .Values.secrets.generate }}
{{- end }}

{{- /* Where people and agents come in, as hosts with their paths: {addresses: [{host, path}]}. An IP address is no name of a route. */ -}}
{{- define "heddle.addresses" -}}
{{- $addresses := list -}}
{{- range compact (list .Values.publicUrl .Values.agentApiUrl) -}}
{{- $address := urlParse . -}}
{{- $host := lower $address.hostname -}}
{{- if not (or (contains ":" $host) (regexMatch "^[0-9.]+$" $host)) -}}
{{- $addresses = append $addresses (dict "host" $host "path" ($address.path | default "/")) -}}
{{- end -}}
{{- end -}}
{{ dict "addresses" (uniq $addresses) | toYaml }}
{{- end }}

{{- /* Whether automators have Pods of their own. */ -}}
{{- define "heddle.automatorPods" -}}
{{ if and .Values.automator.enabled (not .Values.automator.inApiPod) }}true{{ end }}
{{- end }}
