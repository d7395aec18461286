"""Following a network while it is trained: snapshots at chosen iterations."""
