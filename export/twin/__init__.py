"""The console once more, differentiable: what the runtime does in samples, on tensors with gradients.

:mod:`.strip` and :mod:`.console` are what callers use. The runtime is the law; tests null this against it.
"""
