{{- define "dmarq.labels" -}}
app.kubernetes.io/part-of: dmarq
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "dmarq.selector" -}}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/name: {{ .name }}
{{- end }}

{{/* Where users reach config-api; under any other name it answers 421. */}}
{{- define "dmarq.publicUrl" -}}
{{- if .Values.publicUrl -}}
{{ .Values.publicUrl }}
{{- else if .Values.ingress.enabled -}}
{{ ternary "https" "http" (not (empty .Values.ingress.tlsSecret)) }}://{{ .Values.ingress.host }}
{{- else -}}
http://localhost:8080
{{- end -}}
{{- end }}

{{- define "dmarq.image" -}}
{{ .root.Values.image.registry }}/{{ .image }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "dmarq.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "dmarq.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* The mounted secrets of one service: its NATS user, and what else it needs, each file under the name of its setting. */}}
{{- define "dmarq.secretVolume" -}}
name: secrets
projected:
  defaultMode: 0440
  sources:
    - secret:
        name: {{ .root.Values.nats.existingSecret | default (printf "%s-nats-urls" .root.Release.Name) }}
        items: [{key: {{ .name }}, path: nats_url}]
    {{- with .databaseKey }}
    - secret:
        name: {{ $.root.Values.database.existingSecret }}
        items: [{key: {{ . }}, path: database_url}]
    {{- end }}
    {{- if .hasSecretKey }}
    - secret:
        name: {{ .root.Values.secretKey.existingSecret | default (printf "%s-secret-key" .root.Release.Name) }}
        items: [{key: secret_key, path: secret_key}]
    {{- end }}
{{- end }}

{{/* What is special about each service. */}}
{{- define "dmarq.traits" -}}
fetcher: {hasSecretKey: true}
extractor: {}
parser: {databaseKey: parser_url}
config-api: {databaseKey: config_api_url, hasSecretKey: true}
notifier: {databaseKey: notifier_url, hasSecretKey: true}
{{- end }}
