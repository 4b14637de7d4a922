"""Pairs of a raw and a mixed recording: brought onto one time, and told apart from what is no pair.

:mod:`.check` is what callers use. Needs no torch.
"""
