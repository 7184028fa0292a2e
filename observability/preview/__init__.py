"""`make dashboards`: the dashboards on live data, drawn on a page of our own. A preview, not Grafana."""
