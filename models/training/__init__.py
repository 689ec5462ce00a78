"""Scripts that make the starter models."""
