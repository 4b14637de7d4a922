"""Settings recovered from pairs: which preset turns the raw recording into the mixed one.

:mod:`.track` is what callers use. Needs torch (extra `train`).
"""
