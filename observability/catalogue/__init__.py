"""The metrics that rules, dashboards and runbooks may query, and the check that they query no others."""
