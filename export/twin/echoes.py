"""The delay: echoes through the filters of their loop, as the runtime makes them, and back; in whole samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .designs import gentle_cut
from .dynamics import ducked
from .kernels.applying import applied
from .kernels.compiled import Values, Wave, compiled
from .settings import TwinSettings, factor, stage_of


def echoed(sends: Tensor, delay: TwinSettings, sample_rate_hz: int) -> Tensor:
    """Gives the delay's return for what is sent to it, as long as that; shapes (batch, 2, samples).

    Args:
        sends: echoes behind their end are cut off: put silence behind them.
        delay: settings of each member of the batch.
        sample_rate_hz: of the sends.
    """
    cuts = torch.stack(
        [gentle_cut(delay["low_cut_hz"], sample_rate_hz, -1), gentle_cut(delay["high_cut_hz"], sample_rate_hz, 1)], 1
    )
    loop = torch.stack([delay[name].to(torch.float64) for name in ("feedback", "ping_pong")], dim=1)
    wet = applied(_Echoed, sends, delay["time_ms"] * sample_rate_hz / 1000, loop, cuts)
    wet = wet * factor(delay["return_gain_db"]).to(wet.dtype)[:, None, None]
    duck = stage_of(delay, "ducking")
    return wet if duck is None else ducked(sends, wet, duck, sample_rate_hz)


class _Echoed(torch.autograd.Function):
    """Of samples of delay (batch,), feedback and crossing (batch, 2), and b0, b1, a1 of both cuts (batch, 2, 3)."""

    @staticmethod
    def forward(ctx: Any, sends: Tensor, late: Tensor, loop: Tensor, cuts: Tensor) -> Tensor:
        steps = np.array([max(1, round(step)) for step in late.tolist()])
        waves = sends.detach().contiguous().numpy()
        places, middles, echoes = np.empty_like(waves), np.empty_like(waves), np.empty_like(waves)
        _echo(waves, steps, loop.detach().numpy(), cuts.detach().contiguous().numpy(), places, middles, echoes)
        ctx.save_for_backward(sends, loop, cuts)
        ctx.arrays = steps, places, middles, echoes
        return torch.from_numpy(echoes)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        sends, loop, cuts = ctx.saved_tensors
        steps, places, middles, echoes = ctx.arrays
        waves = sends.detach().contiguous().numpy()
        before, by_late = np.empty_like(waves), np.zeros(len(waves))
        by_loop, by_cuts = np.zeros(loop.shape), np.zeros(cuts.shape)
        settings = steps, loop.detach().numpy(), cuts.detach().contiguous().numpy()
        gradient = gradients[0].contiguous().numpy()
        _echo_back(waves, *settings, places, middles, echoes, gradient, before, by_late, by_loop, by_cuts)
        return tuple(map(torch.from_numpy, (before, by_late, by_loop, by_cuts)))  # type: ignore[return-value]


@compiled
def _echo(sends: Wave, steps: Wave, loop: Values, cuts: Values, places: Wave, middles: Wave, echoes: Wave) -> None:
    for row in range(sends.shape[0]):
        feedback, across = (loop[row, 0], loop[row, 1])
        step = steps[row]
        b0, b1, a1 = cuts[row, 0, 0], cuts[row, 0, 1], cuts[row, 0, 2]
        c0, c1, d1 = cuts[row, 1, 0], cuts[row, 1, 1], cuts[row, 1, 2]
        first, second = np.zeros(2), np.zeros(2)
        for n in range(sends.shape[2]):
            for side in range(2):
                x = float(places[row, side, n - step]) if n >= step else 0.0
                middle = b0 * x + first[side]
                first[side] = b1 * x - a1 * middle
                y = c0 * middle + second[side]
                second[side] = c1 * middle - d1 * y
                middles[row, side, n], echoes[row, side, n] = middle, y
            left, right = float(sends[row, 0, n]), float(sends[row, 1, n])
            for side in range(2):
                own, other = float(echoes[row, side, n]), float(echoes[row, 1 - side, n])
                start = (left + right) / 2 if side == 0 else 0.0
                send = left if side == 0 else right
                place = send + across * (start - send)
                places[row, side, n] = place + feedback * (own + across * (other - own))


@compiled
def _echo_back(
    sends: Wave,
    steps: Wave,
    loop: Values,
    cuts: Values,
    places: Wave,
    middles: Wave,
    echoes: Wave,
    gradient: Wave,
    before: Wave,
    by_late: Values,
    by_loop: Values,
    by_cuts: Values,
) -> None:
    frames = sends.shape[2]
    for row in range(sends.shape[0]):
        feedback, across = (loop[row, 0], loop[row, 1])
        step = steps[row]
        b0, b1, a1 = cuts[row, 0, 0], cuts[row, 0, 1], cuts[row, 0, 2]
        c0, c1, d1 = cuts[row, 1, 0], cuts[row, 1, 1], cuts[row, 1, 2]
        # Of what came out of the loop at each sample.
        heard = np.zeros((2, frames))
        later_first, later_second = np.zeros(2), np.zeros(2)
        into = np.zeros(2)
        for n in range(frames - 1, -1, -1):
            left, right = float(sends[row, 0, n]), float(sends[row, 1, n])
            for side in range(2):
                into[side] = heard[side, n + step] if n + step < frames else 0.0
            for side in range(2):
                own, other = float(echoes[row, side, n]), float(echoes[row, 1 - side, n])
                start = (left + right) / 2 if side == 0 else 0.0
                send = left if side == 0 else right
                by_loop[row, 0] += into[side] * (own + across * (other - own))
                by_loop[row, 1] += into[side] * (start - send + feedback * (other - own))
                before[row, side, n] = (1 - across) * into[side] + across * into[0] / 2
                g = float(gradient[row, side, n])
                g += feedback * (into[side] + across * (into[1 - side] - into[side]))
                x = float(places[row, side, n - step]) if n >= step else 0.0
                middle = float(middles[row, side, n])
                v = g - d1 * later_second[side]
                g = c0 * v + c1 * later_second[side]
                by_cuts[row, 1, 0] += v * middle
                by_cuts[row, 1, 1] += later_second[side] * middle
                by_cuts[row, 1, 2] -= later_second[side] * own
                later_second[side] = v
                v = g - a1 * later_first[side]
                g = b0 * v + b1 * later_first[side]
                by_cuts[row, 0, 0] += v * x
                by_cuts[row, 0, 1] += later_first[side] * x
                by_cuts[row, 0, 2] -= later_first[side] * middle
                later_first[side] = v
                heard[side, n] = g
                earlier = float(places[row, side, n - step - 1]) if n > step else 0.0
                after = float(places[row, side, n - step + 1]) if n - step + 1 >= 0 and step > 0 else 0.0
                by_late[row] += g * (earlier - after) / 2
