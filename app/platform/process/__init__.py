"""What every process needs, whether it serves or works: drain, health, the operations port, run-time control, exit."""
