"""HTTP at its edge: the fused layer, problem details and the application object."""
