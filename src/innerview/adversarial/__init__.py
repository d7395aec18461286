"""How fragile is the answer: small changes of an image that change what a network says of it."""
