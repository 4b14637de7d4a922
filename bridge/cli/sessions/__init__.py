"""Commands about DAW sessions."""
