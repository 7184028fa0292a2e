{{- define "slipway.postgresPod" -}}
{{- $postgres := .Values.dev.postgres -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "slipway.podSecurity" $postgres.user | nindent 2 }}
containers:
  - name: postgres
    image: {{ $postgres.image }}
    imagePullPolicy: IfNotPresent
    env:
      - name: PGDATA # below the mount: a fresh disk may hold lost+found
        value: /var/lib/postgresql/data/pgdata
      - name: POSTGRES_DB
        value: {{ .Values.database.name | quote }}
      - name: POSTGRES_PASSWORD_FILE
        value: /run/secrets/slipway/database__password
      - name: POSTGRES_USER
        value: {{ .Values.database.user | quote }}
    ports:
      - name: postgres
        containerPort: 5432
    startupProbe:
      exec: &ready
        command: [pg_isready, --quiet, --host=127.0.0.1]
      periodSeconds: 1
      timeoutSeconds: 3
      failureThreshold: 120
    readinessProbe:
      exec: *ready
      periodSeconds: 5
      timeoutSeconds: 3
    livenessProbe:
      exec: *ready
      periodSeconds: 10
      timeoutSeconds: 3
      failureThreshold: 6
    resources:
      {{- include "slipway.resources" $postgres.resources | nindent 6 }}
    securityContext:
      {{- include "slipway.containerSecurity" . | nindent 6 }}
    volumeMounts:
      - name: data
        mountPath: /var/lib/postgresql/data
      - name: run
        mountPath: /var/run/postgresql
      - name: tmp
        mountPath: /tmp
      - name: secrets
        mountPath: /run/secrets/slipway
        readOnly: true
volumes:
  - name: run
    emptyDir: {}
  - name: tmp
    emptyDir: {}
  - name: secrets
    projected:
      defaultMode: 0440
      sources:
        {{- include "slipway.secretSources" (list . (list "databasePassword") (dict)) | nindent 8 }}
{{- end }}
