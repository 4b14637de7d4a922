"""Studies of the model and its training: each measures something and writes a table or a page for `docs/`.

:mod:`.commands` has them as `mixbridge model NAME`. Nothing of the package depends on them.
"""
