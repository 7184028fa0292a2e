"""The platform: what at least two features use; it knows no feature and is also built as the library `slipway`."""
