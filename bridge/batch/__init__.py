"""What a batch does with an item: opens its session, mixes, and records what was made."""
