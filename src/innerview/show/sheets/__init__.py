"""One sheet for each kind of result."""
