"""`make generate`: every committed file that is made from code or from values."""
