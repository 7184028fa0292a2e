"""`python -m app.cli`, for where the console script `slipway` is not installed."""

from app.cli import main

main()
