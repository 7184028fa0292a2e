"""What developers run beside the service: the embedded PostgreSQL, `make run`, demo data and `make generate`.

Nothing here is part of the image, and `app` does not need it.
"""
