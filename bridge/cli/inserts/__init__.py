"""What the command line knows of inserts: options of `mix` and `apply`, and the command that declares them."""
