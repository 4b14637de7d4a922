"""Searches for better settings on the rendered sound."""
