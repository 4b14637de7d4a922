"""Our own compact model: what it hears, its console, its data and its training."""
