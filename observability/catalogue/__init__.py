"""Every metric that a rule, a dashboard or a runbook may ask for, and the check that they ask for nothing else."""
