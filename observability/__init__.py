"""What watches the service: its metrics by name, objectives, alerts, runbooks and dashboards. Not part of the image."""
