"""Training on pairs of raw and mixed files: checked, recovered, tuned, exported as a model that needs no reference.

The commands are `mixbridge train` and `mixbridge train --check`; `mixbridge model export RUN` makes the bundle.
"""
