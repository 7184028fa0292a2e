"""The service's objectives, and the rules that compute how much of their error budget is left and how fast it burns."""
