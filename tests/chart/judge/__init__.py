"""Judges rendered manifests as a strict platform team would: rules of our own, schemas, checkov, and wrong values."""
