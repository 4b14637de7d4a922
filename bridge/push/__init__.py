"""Presets on a desk: which track goes to which strip, what would change, changing it with proof, and taking it back."""
