"""Logs: one line an event, without secrets, written without waiting."""
