"""The dashboards as code, and the check that every panel describes what it shows and what is bad."""
