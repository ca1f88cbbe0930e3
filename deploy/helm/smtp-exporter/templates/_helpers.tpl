{{- define "smtp-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* Room for a pod's number and a dashboard's name stays below 63. */}}
{{- define "smtp-exporter.fullname" -}}
{{- $name := include "smtp-exporter.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "smtp-exporter.selector" -}}
app.kubernetes.io/name: {{ include "smtp-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "smtp-exporter.labels" -}}
{{ include "smtp-exporter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* The pod, for the Deployment and for the StatefulSet. */}}
{{- define "smtp-exporter.pod" -}}
metadata:
  labels:
    {{- include "smtp-exporter.selector" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # Another configuration is another pod.
    checksum/config: {{ toYaml .Values.config | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  # Open sessions say QUIT within 10 seconds.
  terminationGracePeriodSeconds: 20
  securityContext:
    runAsNonRoot: true
    runAsUser: 10057
    runAsGroup: 10057
    fsGroup: 10057
    seccompProfile: {type: RuntimeDefault}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: smtp-exporter
      {{- $tag := default .Chart.AppVersion .Values.image.tag }}
      image: {{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ $tag }}{{ end }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - --config.file=/etc/smtp_exporter/smtp_exporter.yml
        {{- if gt (int .Values.shards) 1 }}
        # The pod's number is its shard.
        - --shard=auto/{{ int .Values.shards }}
        {{- end }}
        {{- with .Values.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .Values.extraEnv }}
      env: {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - {name: http, containerPort: 10057, protocol: TCP}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      livenessProbe:
        {{- if eq .Values.scheme "HTTPS" }}
        # Not a request: it may want a login, or a certificate, that the kubelet has not got.
        tcpSocket: {port: http}
        {{- else }}
        httpGet: {path: /-/healthy, port: http}
        {{- end }}
        periodSeconds: 30
        timeoutSeconds: 5
      readinessProbe:
        {{- if eq .Values.scheme "HTTPS" }}
        tcpSocket: {port: http}
        {{- else }}
        httpGet: {path: /-/ready, port: http}
        {{- end }}
        periodSeconds: 10
        timeoutSeconds: 5
      resources: {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /etc/smtp_exporter, readOnly: true}
        - {name: state, mountPath: /var/lib/smtp_exporter}
        {{- if .Values.existingSecret }}
        - {name: secrets, mountPath: /run/secrets/smtp_exporter, readOnly: true}
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "smtp-exporter.fullname" . }}}
    {{- if .Values.existingSecret }}
    - name: secrets
      # 288 is 0440: the pod's group may read them, and nobody else.
      secret: {secretName: {{ .Values.existingSecret }}, defaultMode: 288}
    {{- end }}
    {{- if not .Values.persistence.enabled }}
    - name: state
      emptyDir: {sizeLimit: 16Mi}
    {{- else if le (int .Values.shards) 1 }}
    - name: state
      persistentVolumeClaim: {claimName: {{ include "smtp-exporter.fullname" . }}}
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* What a claim for the state asks for. */}}
{{- define "smtp-exporter.claim" -}}
accessModes: [ReadWriteOnce]
{{- with .Values.persistence.storageClass }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests: {storage: {{ .Values.persistence.size }}}
{{- end -}}
