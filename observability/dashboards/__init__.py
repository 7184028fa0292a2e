"""The dashboards as code, and the check that every panel says what it shows and what bad looks like."""
