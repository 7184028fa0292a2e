"""The service: features on a platform, and the command line `slipway`."""
