"""Calls torch's own functions with a gradient, whose `apply` has no types."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor


def applied(function: type[torch.autograd.Function], *arguments: Any) -> Tensor:
    """Applies a function to tensors; the result is one."""
    return cast(Tensor, function.apply(*arguments))  # type: ignore[no-untyped-call]
