"""Loops over samples and their way back, compiled, as functions of torch with gradients."""
