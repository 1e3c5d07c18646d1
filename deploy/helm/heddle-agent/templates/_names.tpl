{{- /* The manifest's label, and those by which Helm finds its own. */ -}}
{{- define "agent.labels" -}}
app.kubernetes.io/name: heddle
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "agent.selector" -}}
app.kubernetes.io/name: heddle
app.kubernetes.io/component: synchronizer
{{- end }}

{{- define "agent.syncName" -}}
{{- $name := regexReplaceAll "[^a-z0-9]" (lower .Values.sync.path) "-" | trunc 63 | trimAll "-" -}}
{{ .Values.sync.name | default $name | default "root" }}
{{- end }}

{{- define "agent.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* A number or text as text. Numbers of a file are floating ones, of which a large one would be written as 1e+06. */ -}}
{{- define "agent.text" -}}
{{ kindIs "float64" . | ternary (toString (int64 .)) (toString .) | quote }}
{{- end }}

{{- /* What a schema cannot say well. Each says the value, the fault and the remedy. */ -}}
{{- define "agent.checks" -}}
{{- if not .Values.apiUrl -}}
  {{- fail "apiUrl: it is not set; write the address of the Heddle API, such as https://heddle.example.com" -}}
{{- end -}}
{{- if not .Values.sync.repository -}}
  {{- fail "sync.repository: it is not set; write the config repository, such as https://github.com/acme/config" -}}
{{- end -}}
{{- if not .Values.sync.namespaces -}}
  {{- fail "sync.namespaces: it is empty; name the namespaces that the Sync deploys to, such as [shop]" -}}
{{- end -}}
{{- range .Values.sync.namespaces -}}
  {{- if or (eq . $.Release.Namespace) (eq . "heddle-system") (hasPrefix "kube-" .) -}}
    {{- fail (printf "sync.namespaces: no Sync deploys to `%s`; name a namespace of your workloads" .) -}}
  {{- end -}}
{{- end -}}
{{- end }}
