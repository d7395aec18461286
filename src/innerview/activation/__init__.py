"""Looking at activations: what happens inside for an image."""
