"""Where in an image an answer comes from."""
