"""The thing looked at: a module with its preprocessing, labels and layers."""
