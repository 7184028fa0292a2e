"""Every alert as code, and an example of how Alertmanager sends them on."""
