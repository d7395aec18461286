"""A network's forward pass: what it shows, what several passes share, and the way through it."""
