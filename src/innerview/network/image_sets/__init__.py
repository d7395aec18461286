"""Populations of images: folders, archives, lists and datasets, in a fixed order, read one at a time."""
