{{- /* What both programs' Pods have: {root, part, component}. */ -}}
{{- define "heddle.podMetadata" -}}
labels:
  {{- include "heddle.selector" . | nindent 2 }}
  {{- with .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with .part.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .part.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "heddle.podSpec" -}}
serviceAccountName: {{ include "heddle.fullname" .root }}-{{ .component }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- range $name := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" }}
{{- with index $.part $name }}
{{ $name }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .part.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "heddle.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* A number or text as text. Numbers of a file are floating ones, of which a large one would be written as 1e+06. */ -}}
{{- define "heddle.text" -}}
{{ kindIs "float64" . | ternary (toString (int64 .)) (toString .) | quote }}
{{- end }}

{{- /* Variables by their names, in order. */ -}}
{{- define "heddle.settings" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ include "heddle.text" $value }}
{{- end }}
{{- end }}

{{- /* An automator: {root, apiUrl, metricsListen, metricsPort}. */ -}}
{{- define "heddle.automatorContainer" -}}
{{- $automator := .root.Values.automator -}}
- name: automator
  image: {{ include "heddle.image" (dict "root" .root "name" "heddle-automator" "digest" $automator.digest) | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: [heddle-automator]
  env:
    - name: HEDDLE_API_URL
      value: {{ .apiUrl | quote }}
    - name: HEDDLE_AUTOMATOR_TOKEN_FILE
      value: /etc/heddle/automator/automator-token
    - name: HEDDLE_CACHE_DIR
      value: /var/lib/heddle
    - name: HEDDLE_METRICS_LISTEN
      value: 0.0.0.0:{{ .metricsPort }}
    {{- if .root.Values.caBundle.existingConfigMap }}
    - name: HEDDLE_CA_FILE
      value: /etc/heddle/ca/ca.pem
    {{- end }}
    {{- with $automator.settings }}
    {{- include "heddle.settings" . | trim | nindent 4 }}
    {{- end }}
    {{- with $automator.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - name: {{ .metricsName }}
      containerPort: {{ .metricsPort }}
  livenessProbe:
    httpGet:
      path: /livez
      port: {{ .metricsName }}
  readinessProbe:
    httpGet:
      path: /readyz
      port: {{ .metricsName }}
  {{- with $automator.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "heddle.containerSecurity" . | nindent 4 }}
  volumeMounts:
    - name: cache
      mountPath: /var/lib/heddle
    - name: tmp
      mountPath: /tmp
    - name: automator-token
      mountPath: /etc/heddle/automator
      readOnly: true
    {{- with include "heddle.caMount" .root }}
    {{- trim . | nindent 4 }}
    {{- end }}
    {{- with $automator.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{- define "heddle.automatorVolumes" -}}
- name: cache
  emptyDir:
    sizeLimit: {{ .Values.automator.cacheSize | quote }}
- name: automator-token
  secret:
    secretName: {{ include "heddle.secrets" . | quote }}
    defaultMode: 0440
    items:
      - key: automator-token
        path: automator-token
{{- with .Values.automator.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "heddle.caMount" -}}
{{- if .Values.caBundle.existingConfigMap }}
- name: ca
  mountPath: /etc/heddle/ca
  readOnly: true
{{- end }}
{{- end }}

{{- define "heddle.caVolume" -}}
{{- with .Values.caBundle }}
{{- if .existingConfigMap }}
- name: ca
  configMap:
    name: {{ .existingConfigMap | quote }}
    items:
      - key: {{ .key | quote }}
        path: ca.pem
{{- end }}
{{- end }}
{{- end }}

{{- define "heddle.clientAddressHeader" -}}
{{- $proxied := or .Values.ingress.enabled .Values.gateway.enabled -}}
{{ .Values.clientAddressHeader | default (ternary "X-Forwarded-For" "" $proxied) }}
{{- end }}
