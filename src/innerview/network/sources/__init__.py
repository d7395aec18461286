"""Names and files as networks: what a user writes, where the weights come from, and how they are read safely."""
