"""The service's objectives, and the rules that say how much of their error budget is left and how fast it burns."""
