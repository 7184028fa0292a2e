"""The features: each package declares one `feature`, owns its schema, and can leave with its folder."""
