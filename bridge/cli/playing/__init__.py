"""The command that plays in real time, and what it shows."""
