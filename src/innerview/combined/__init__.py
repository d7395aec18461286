"""Views combined: what two of them say together."""
