"""How far to believe what was shown."""
