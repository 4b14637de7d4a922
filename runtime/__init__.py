"""Hears and plays: inference, analysis, rendering. No torch."""
