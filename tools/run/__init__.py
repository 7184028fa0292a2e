"""`make run`: the service with a database, demo data and reload."""
