"""Pictures one after another."""
