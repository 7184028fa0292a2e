"""Metrics: the catalogue, the instruments made from it, and their exposition."""
