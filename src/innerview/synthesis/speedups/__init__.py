"""Only the part of a pass that the question needs, with the same numbers."""
