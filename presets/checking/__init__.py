"""What is wrong in a preset file, and what a preset says of itself that does not hold any more."""
