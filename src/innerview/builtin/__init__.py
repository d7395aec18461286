"""The embedded networks: architectures, trained weights and model cards."""
