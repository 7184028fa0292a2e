"""HTTP at its edge: the edge middleware, problem details and the application object."""
