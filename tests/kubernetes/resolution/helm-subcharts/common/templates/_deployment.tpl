{{- define "common.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .ctx.Release.Name }}-{{ .name }}}
spec:
  replicas: {{ .replicas | default 1 }}
  selector: {matchLabels: {app: {{ .name }}}}
  template:
    metadata: {labels: {app: {{ .name }}}}
    spec:
      containers:
        - name: {{ .name }}
          image: {{ .image | quote }}
          env:
          {{- range $key := keys .env | sortAlpha }}
            - name: {{ $key }}
              value: {{ get $.env $key | quote }}
          {{- end }}
{{- end }}
