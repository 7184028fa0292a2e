"""`python -m observability.dashboards`: a part of `make generate`."""

from observability.dashboards.files import write

if __name__ == "__main__":
    write()
