"""A torch module, held still and read: its outputs, its batches, the rules its gradients follow."""
