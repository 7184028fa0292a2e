"""Traces: spans, their context between processes, and their export."""
