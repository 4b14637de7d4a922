"""What a user asks of a mix beside a reference."""
