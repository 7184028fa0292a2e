"""What `make run` and the tests need around the service; production never imports it."""
