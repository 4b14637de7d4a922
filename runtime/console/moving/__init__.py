"""Settings that move: lanes over samples, stages that are retuned while they run, levels that glide."""
