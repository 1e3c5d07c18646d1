{{- /* What a schema cannot say: values that need each other. Each says the value, the fault and the remedy. */ -}}
{{- define "heddle.checks" -}}
{{- $values := .Values -}}
{{- if not $values.publicUrl -}}
  {{- fail "publicUrl: it is not set; write the address under which people and agents reach Heddle, such as https://heddle.example.com" -}}
{{- end -}}
{{- if and $values.automator.enabled (not $values.automator.inApiPod) (hasPrefix "http:" ($values.automator.apiUrl | default $values.publicUrl)) -}}
  {{- fail "automator.apiUrl: automators speak HTTPS to everything but their own Pod, and it (or publicUrl) is plain HTTP; write an https address, or set automator.inApiPod=true" -}}
{{- end -}}
{{- if and $values.secrets.generate $values.secrets.existingSecret -}}
  {{- fail "secrets: both existingSecret and generate are set; keep one of them" -}}
{{- end -}}
{{- if not (or $values.secrets.generate $values.secrets.existingSecret) -}}
  {{- fail (printf "secrets.existingSecret: it is not set; name a Secret, which you make by `kubectl -n %s create secret generic heddle --from-literal=automator-token=$(openssl rand -hex 32) --from-literal=sealing-keys=$(openssl rand -hex 32)`, or set secrets.generate=true" .Release.Namespace) -}}
{{- end -}}
{{- if and $values.postgres.enabled (not $values.secrets.generate) -}}
  {{- fail "postgres.enabled: its password is made with the other secrets; set secrets.generate=true, or run a PostgreSQL of your own and name its address in database.existingSecret" -}}
{{- end -}}
{{- if and $values.postgres.enabled $values.database.existingSecret -}}
  {{- fail "database.existingSecret: postgres.enabled brings a database of its own; keep one of them" -}}
{{- end -}}
{{- if not (or $values.postgres.enabled $values.database.existingSecret) -}}
  {{- fail "database.existingSecret: it is not set; name a Secret with the address of a PostgreSQL, or set postgres.enabled=true for a trial" -}}
{{- end -}}
{{- $app := list $values.github.appId $values.github.appSlug $values.github.clientId $values.github.existingSecret -}}
{{- if and (without $app "" | len) (has "" $app) -}}
  {{- fail "github: a part of the App is missing; set all of appId, appSlug, clientId and existingSecret, or none" -}}
{{- end -}}
{{- $routes := or $values.ingress.enabled $values.gateway.enabled -}}
{{- if and $routes (regexMatch "^https?://(\\[|[0-9.]+(:|/|$))" $values.publicUrl) -}}
  {{- fail "publicUrl: it names an IP address, for which there is no route; write the name of the host, or set ingress.enabled=false and gateway.enabled=false" -}}
{{- end -}}
{{- range $part := list "api" "automator" -}}
  {{- $scaling := (index $values $part).autoscaling -}}
  {{- if and $scaling.enabled (gt (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
    {{- fail (printf "%s.autoscaling.minReplicas: it is more than maxReplicas; write a number from 1 to %d" $part (int $scaling.maxReplicas)) -}}
  {{- end -}}
{{- end -}}
{{- if and $values.gateway.enabled (not $values.gateway.parentRefs) -}}
  {{- fail "gateway.parentRefs: it is empty; name the Gateway, such as [{name: public, namespace: gateways}]" -}}
{{- end -}}
{{- end }}
