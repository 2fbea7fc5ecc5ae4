{{- define "tracehound.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "tracehound.labels" -}}
app.kubernetes.io/name: tracehound
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Of one role: call with (dict "root" $ "role" "worker"). */}}
{{- define "tracehound.selector" -}}
app.kubernetes.io/name: tracehound
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{- define "tracehound.image" -}}
{{- $repository := required "image.repository: say where your registry has the image" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* The port of metrics and health, which for the gateway and the console is that of their work. */}}
{{- define "tracehound.port" -}}
{{- get (dict "worker" 8780 "intake" 8781 "incidents" 8782 "notify" 8783 "gateway" 4318 "console" 8420) . -}}
{{- end -}}

{{- define "tracehound.kafkaSecret" -}}
{{- get .root.Values.kafka.secrets .role | default (get .root.Values.kafka.secrets "default") -}}
{{- end -}}

{{- define "tracehound.certificate" -}}
{{- get .root.Values.kafka.clientCertificates .role | default (get .root.Values.kafka.clientCertificates "default") -}}
{{- end -}}

{{/* Not empty where a user has to say who it is: PLAINTEXT and SSL have none. */}}
{{- define "tracehound.sasl" -}}
{{- if hasPrefix "SASL_" .Values.kafka.securityProtocol }}yes{{ end -}}
{{- end -}}

{{/* Not empty where tokens say who it is. */}}
{{- define "tracehound.oauth" -}}
{{- if and (include "tracehound.sasl" .) (eq .Values.kafka.saslMechanism "OAUTHBEARER") }}yes{{ end -}}
{{- end -}}

{{- define "tracehound.env" -}}
{{- $kafka := .root.Values.kafka }}
- {name: KAFKA_BOOTSTRAP_SERVERS, value: {{ required "kafka.bootstrapServers: say where Kafka is" $kafka.bootstrapServers | quote }}}
- {name: TRACEHOUND_CONFIG, value: /etc/tracehound/tracehound.toml}
- {name: TRACEHOUND_TOPIC_PREFIX, value: {{ $kafka.topicPrefix | quote }}}
- {name: TRACEHOUND_PARTITIONS, value: {{ $kafka.partitions | quote }}}
- {name: TRACEHOUND_REPLICATION_FACTOR, value: {{ $kafka.replicationFactor | quote }}}
- {name: TRACEHOUND_SECURITY_PROTOCOL, value: {{ $kafka.securityProtocol | quote }}}
{{- if include "tracehound.sasl" .root }}
{{- $secret := include "tracehound.kafkaSecret" . | required (printf "kafka.secrets.%s: with %s a Secret has to say who it is" .role $kafka.securityProtocol) }}
- {name: TRACEHOUND_SASL_MECHANISM, value: {{ $kafka.saslMechanism | quote }}}
- name: TRACEHOUND_SASL_USERNAME
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: username}}
- name: TRACEHOUND_SASL_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: password}}
{{- end }}
{{- if include "tracehound.oauth" .root }}
- {name: TRACEHOUND_SASL_OAUTH_TOKEN_URL, value: {{ required "kafka.oauth.tokenUrl: with OAUTHBEARER say where tokens are got" $kafka.oauth.tokenUrl | quote }}}
{{- with $kafka.oauth.scope }}
- {name: TRACEHOUND_SASL_OAUTH_SCOPE, value: {{ . | quote }}}
{{- end }}
{{- end }}
{{- if $kafka.caSecret }}
- {name: TRACEHOUND_SSL_CA_FILE, value: /etc/tracehound-ca/ca.crt}
{{- end }}
{{- if include "tracehound.certificate" . }}
- {name: TRACEHOUND_SSL_CERTIFICATE_FILE, value: /etc/tracehound-client/tls.crt}
- {name: TRACEHOUND_SSL_KEY_FILE, value: /etc/tracehound-client/tls.key}
{{- end }}
- {name: TRACEHOUND_HTTP_HOST, value: 0.0.0.0}
{{- if eq .role "gateway" }}
- {name: TRACEHOUND_GATEWAY__HOST, value: 0.0.0.0}
{{- else if eq .role "console" }}
- {name: TRACEHOUND_CONSOLE__HOST, value: 0.0.0.0}
{{- if .root.Values.processes.console.storage }}
- {name: TRACEHOUND_CONSOLE__DATABASE_URL, value: "sqlite:////var/lib/tracehound/tracehound.db"}
{{- end }}
{{- end }}
{{- with get .root.Values.processes .role }}
{{- range $name, $value := .env }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
{{- end -}}

{{- define "tracehound.mounts" -}}
- {name: config, mountPath: /etc/tracehound, readOnly: true}
- {name: kernels, mountPath: /home/tracehound/kernels}
- {name: tmp, mountPath: /tmp}
{{- if .root.Values.kafka.caSecret }}
- {name: ca, mountPath: /etc/tracehound-ca, readOnly: true}
{{- end }}
{{- if include "tracehound.certificate" . }}
- {name: client, mountPath: /etc/tracehound-client, readOnly: true}
{{- end }}
{{- end -}}

{{- define "tracehound.volumes" -}}
- name: config
  configMap: {name: {{ include "tracehound.name" .root }}{{ if eq .role "topics" }}-topics{{ end }}}
- {name: kernels, emptyDir: {sizeLimit: 256Mi}}
- {name: tmp, emptyDir: {sizeLimit: 2Gi}}
{{- with .root.Values.kafka.caSecret }}
- {name: ca, secret: {secretName: {{ . }}}}
{{- end }}
{{- with include "tracehound.certificate" . }}
- {name: client, secret: {secretName: {{ . }}, defaultMode: 0440}}
{{- end }}
{{- end -}}

{{- define "tracehound.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "tracehound.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* What the image has compiled, where it can be written to: on another kind of processor it is compiled anew there. */}}
{{- define "tracehound.kernels" -}}
- name: kernels
  image: {{ include "tracehound.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command: [cp, -r, /home/tracehound/kernels/., /kernels/]
  volumeMounts: [{name: kernels, mountPath: /kernels}]
  resources: {requests: {cpu: 50m, memory: 32Mi}, limits: {memory: 64Mi}}
  securityContext: {{- include "tracehound.containerSecurity" .root | nindent 4 }}
{{- end -}}
