{{/* names */}}
{{- define "app.name" -}}{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}{{- end }}
{{- define "app.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}{{- $name := include "app.name" . }}
{{- if contains $name .Release.Name }}{{ .Release.Name }}{{ else }}{{ printf "%s-%s" .Release.Name $name }}{{ end }}{{ end }}
{{- end }}
{{- define "app.labels" -}}
app.kubernetes.io/name: {{ include "app.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "app.image" -}}
{{- $registry := .image.registry | default (.global).imageRegistry -}}
{{- printf "%s%s:%s" (ternary (printf "%s/" $registry) "" (not (empty $registry))) .image.repository (toString (.image.tag | default .chart.AppVersion)) -}}
{{- end }}
{{- define "app.env" -}}
{{- range $name, $value := .Values.env }}
- name: {{ $name | upper | replace "-" "_" }}
  {{- if kindIs "map" $value }}
  valueFrom: {{- toYaml $value | nindent 4 }}
  {{- else }}
  value: {{ tpl (toString $value) $ | quote }}
  {{- end }}
{{- end }}
{{- end }}
