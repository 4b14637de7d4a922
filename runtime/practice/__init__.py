"""What engineers do: a plain mix by role, without a model; and what in a mix no engineer would leave."""
