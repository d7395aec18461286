"""What an operation does to positions, channels and batches."""
