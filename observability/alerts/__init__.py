"""Every alert as code, and an example of how Alertmanager routes them."""
