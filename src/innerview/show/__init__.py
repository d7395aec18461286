"""Results become pictures and pages; nothing is computed here that a result does not hold."""
