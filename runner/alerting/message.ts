/**
 * The messages that people read, as Go templates: https://prometheus.io/docs/alerting/0.25/notifications/. Own receivers
 * may use them too. What comes from a label or an annotation passes through `homeostat.plain`: no mention, link or
 * formatting of Slack can be put in, and nothing is longer than a few lines.
 * @param externalUrl where people find Alertmanager; else its own idea of that
 */
export const messageTemplates = (externalUrl: string | undefined) => `{{ define "homeostat.root" -}}
${externalUrl ?? '{{ .ExternalURL }}'}
{{- end }}

{{ define "homeostat.plain" -}}
{{ . | reReplaceAll "&" "&amp;" | reReplaceAll "<" "&lt;" | reReplaceAll ">" "&gt;" | reReplaceAll "\\\\s+" " " | reReplaceAll "^(.{300}).+$" "$1 …" }}
{{- end }}

{{ define "homeostat.color" -}}
{{ if eq .Status "resolved" }}good{{ else if eq .CommonLabels.severity "critical" }}danger{{ else if eq .CommonLabels.severity "info" }}#439fe0{{ else }}warning{{ end }}
{{- end }}

{{ define "homeostat.title" -}}
{{ if eq .Status "resolved" }}RESOLVED{{ else }}FIRING{{ if gt (len .Alerts.Firing) 1 }} ({{ len .Alerts.Firing }}){{ end }}{{ end }}: {{ if .CommonLabels.service }}{{ template "homeostat.plain" .CommonLabels.service }}: {{ end }}{{ if .CommonAnnotations.summary }}{{ template "homeostat.plain" .CommonAnnotations.summary }}{{ else }}{{ template "homeostat.plain" .CommonLabels.alertname }}{{ end }}
{{- end }}

{{ define "homeostat.link" -}}
{{ template "homeostat.root" . }}/#/alerts?filter={{ urlquery (print "{alertname=\\"" .CommonLabels.alertname "\\"}") }}
{{- end }}

{{ define "homeostat.where" -}}
{{ with .Labels.stack }} stack {{ template "homeostat.plain" . }}{{ end }}{{ with .Labels.node }} node {{ template "homeostat.plain" . }}{{ end }}{{ with .Labels.instance }} instance {{ template "homeostat.plain" . }}{{ end }}{{ with .Labels.task }} task {{ template "homeostat.plain" . }}{{ end }}
{{- end }}

{{ define "homeostat.alert" -}}
{{ with .Annotations.summary }}*{{ template "homeostat.plain" . }}*
{{ end }}{{ with .Annotations.description }}{{ template "homeostat.plain" . }}
{{ end }}{{ if or .Labels.stack .Labels.node .Labels.instance .Labels.task }}Where:{{ template "homeostat.where" . }}
{{ end }}Since: {{ .StartsAt.UTC.Format "2006-01-02 15:04:05" }} UTC{{ if eq .Status "resolved" }} until {{ .EndsAt.UTC.Format "15:04:05" }}{{ end }}
{{ with .Annotations.value }}Value: {{ template "homeostat.plain" . }}
{{ end }}{{ if eq .Status "firing" }}{{ with .Annotations.runbook }}What to do: {{ template "homeostat.plain" . }}
{{ end }}{{ with .Annotations.link }}See: {{ template "homeostat.plain" . }}
{{ end }}{{ if .GeneratorURL }}<{{ .GeneratorURL }}|Query>
{{ end }}{{ end }}
{{- end }}

{{ define "homeostat.text" -}}
{{ range $index, $alert := .Alerts.Firing }}{{ if lt $index 5 }}{{ template "homeostat.alert" $alert }}{{ end }}{{ end }}
{{- if gt (len .Alerts.Firing) 5 }}and more: {{ len .Alerts.Firing }} in all
{{ end }}
{{- if eq .Status "resolved" }}{{ range $index, $alert := .Alerts.Resolved }}{{ if lt $index 5 }}{{ template "homeostat.alert" $alert }}{{ end }}{{ end }}
{{- if gt (len .Alerts.Resolved) 5 }}and more: {{ len .Alerts.Resolved }} in all
{{ end }}
{{- else }}{{ if .Alerts.Resolved }}No more: {{ len .Alerts.Resolved }} of them.
{{ end }}<{{ template "homeostat.root" . }}/#/silences/new?filter={{ urlquery (print "{alertname=\\"" .CommonLabels.alertname "\\"}") }}|Silence>
{{ end }}
{{- end }}
`;
