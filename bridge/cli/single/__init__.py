"""Commands on one finished file."""
