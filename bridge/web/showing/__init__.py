"""What the page hears and sees: loops, levels, pictures."""
