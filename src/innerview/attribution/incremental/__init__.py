"""What an occluded patch changes, and nothing else, computed again."""
