"""Trains the network that tells a role by its sound, and measures it on sessions that it has not heard."""

from __future__ import annotations

import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import block_diag
from torch import nn

from ...presets.errors import ModelError
from ...presets.roles import ROLES, Role
from ...runtime.roles.decide import weighed
from ...runtime.roles.names import role_weights
from ...runtime.roles.sound import SoundNetwork, load_network
from ..whole_files import write_bytes
from .examples import RoleExample, held_out_examples, named_examples, training_examples
from .sessions import read_sessions

Say = Callable[[str], None]
_Layer = tuple[NDArray[np.float32], NDArray[np.float32]]

_WIDTHS: Final = (192, 96)
# Networks that are trained from different beginnings and put together as one: they are wrong in different places.
_NETWORKS: Final = 3
_BATCH, _EPOCHS = 256, 25
_RATE, _DECAY, _DROPPED, _SMOOTHING, _NOISE = 4e-3, 3e-2, 0.3, 0.05, 0.2
_FURTHEST = 5.0
# Recordings are few, and what the network is for: they are drawn from more often.
_RECORDED_WEIGHT: Final = 4
_LEAST_DEVIATION = 1e-3
_TOLD_EVERY = 500


@dataclass(frozen=True)
class RoleRequest:
    """What is trained.

    Attributes:
        corpus: folder with `train`, `test` and `songs`.
        output: file of the network.
        passages: of each stem.
        seed: of what is drawn.
        named: folders of recorded stems whose names tell their roles.
    """

    corpus: Path
    output: Path
    passages: int = 3
    seed: int = 1
    named: tuple[Path, ...] = ()


@dataclass(frozen=True)
class RoleScore:
    """How often a network is right.

    Attributes:
        right: examples by role that it told rightly.
        all: examples by role.
    """

    right: Counter[Role]
    all: Counter[Role]

    @property
    def share(self) -> float:
        """Of the examples that are told rightly."""
        return sum(self.right.values()) / max(1, sum(self.all.values()))


def run(request: RoleRequest, say: Say) -> RoleScore:
    """Train a network on a corpus, write it, and measure it on the held-out sessions.

    Raises:
        ModelError: the corpus has no sessions.
        OutputError: the file cannot be written.
    """
    sessions = read_sessions(request.corpus / "train")
    if not sessions:
        raise ModelError(f"{request.corpus}: no sessions in `train`: make them with `mixbridge model corpus`.")
    songs = sorted((request.corpus / "songs" / "train").glob("*.flac"))
    drawn = training_examples(sessions, songs, request.seed, request.passages)
    recorded = (named_examples(folder, request.seed, _RECORDED_WEIGHT * request.passages) for folder in request.named)
    examples = _collected(itertools.chain(drawn, *recorded), say)
    write_bytes(request.output, packed(trained(examples, request.seed)))
    held_out, network = list(held_out_examples(read_sessions(request.corpus / "test"))), load_network(request.output)
    score = measured(network, held_out)
    say(f"{request.output}: {score.share:.1%} of {sum(score.all.values())} held-out stems told rightly")
    say(f"  with the names of their files: {measured_with_names(network, held_out).share:.1%}")
    for role in ROLES:
        if score.all[role]:
            say(f"  {role}: {score.right[role]} of {score.all[role]}")
    return score


def trained(examples: Sequence[RoleExample], seed: int, epochs: int = _EPOCHS) -> SoundNetwork:
    """Train a network on examples."""
    roles = tuple(role for role in ROLES if any(example.role == role for example in examples))
    features = np.stack([example.features for example in examples])
    mean, deviation = features.mean(axis=0), features.std(axis=0) + _LEAST_DEVIATION
    inputs = torch.from_numpy(np.clip((features - mean) / deviation, -_FURTHEST, _FURTHEST).astype(np.float32))
    labels = torch.tensor([roles.index(example.role) for example in examples])
    networks = []
    for place in range(_NETWORKS):
        torch.manual_seed(seed * _NETWORKS + place)
        network = _network(inputs.shape[1], len(roles))
        _fit(network, inputs, labels, len(roles), epochs)
        linear = [layer for layer in network if isinstance(layer, nn.Linear)]
        networks.append([(_numbers(layer.weight).T, _numbers(layer.bias)) for layer in linear])
    return SoundNetwork(roles, mean.astype(np.float32), deviation.astype(np.float32), _together(networks))


def _together(networks: Sequence[Sequence[_Layer]]) -> tuple[_Layer, ...]:
    """One network whose outputs are the mean of these networks': their layers side by side."""
    first, *inner = [[network[place] for network in networks] for place in range(len(networks[0]) - 1)]
    last = [network[-1] for network in networks]
    share = np.float32(1 / len(networks))
    return (
        (np.hstack([matrix for matrix, _ in first]), np.hstack([offset for _, offset in first])),
        *(
            (block_diag(*(matrix for matrix, _ in layer)), np.hstack([offset for _, offset in layer]))
            for layer in inner
        ),
        (np.vstack([matrix * share for matrix, _ in last]), share * np.sum([offset for _, offset in last], axis=0)),
    )


def packed(network: SoundNetwork) -> bytes:
    """The network as a file: matrices in half precision, which changes no decision."""
    parts: dict[str, NDArray[np.generic]] = {
        "roles": np.array(network.roles),
        "layers": np.array(len(network.layers)),
        "mean": network.mean,
        "deviation": network.deviation,
    }
    for place, (matrix, offset) in enumerate(network.layers):
        parts[f"matrix{place}"], parts[f"offset{place}"] = matrix.astype(np.float16), offset
    file = io.BytesIO()
    np.savez_compressed(file, **parts)  # type: ignore[arg-type]  # its stub takes a flag for the arrays
    return file.getvalue()


def measured(network: SoundNetwork, examples: Iterable[RoleExample]) -> RoleScore:
    """Count what a network tells rightly."""

    def told(example: RoleExample) -> Role:
        weights = network.weights(example.features)
        return max(weights, key=lambda role: weights[role])

    return _counted(examples, told)


def measured_with_names(network: SoundNetwork, examples: Iterable[RoleExample]) -> RoleScore:
    """Count what a network tells rightly together with the names of the files."""
    return _counted(
        examples, lambda example: weighed(role_weights(example.name), network.weights(example.features)).role
    )


def _counted(examples: Iterable[RoleExample], told: Callable[[RoleExample], Role | None]) -> RoleScore:
    right: Counter[Role] = Counter()
    heard: Counter[Role] = Counter()
    for example in examples:
        heard[example.role] += 1
        right[example.role] += told(example) == example.role
    return RoleScore(right, heard)


def _network(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in _WIDTHS:
        layers += [nn.Linear(inputs, width), nn.ReLU(), nn.Dropout(_DROPPED)]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def _fit(network: nn.Sequential, inputs: torch.Tensor, labels: torch.Tensor, roles: int, epochs: int) -> None:
    """Rare roles count more, by the root of how rare they are."""
    counts = torch.bincount(labels, minlength=roles).float()
    rarity = (counts.max() / counts.clamp(min=1)).sqrt()
    loss_of = nn.CrossEntropyLoss(weight=rarity / rarity.mean(), label_smoothing=_SMOOTHING)
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)
    batches = -(-len(inputs) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, epochs * batches)
    network.train()
    for _ in range(epochs):
        for chosen in torch.split(torch.randperm(len(inputs)), _BATCH):
            heard = inputs[chosen]
            loss = loss_of(network(heard + _NOISE * torch.randn_like(heard)), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    network.eval()


def _numbers(tensor: torch.Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor.detach().numpy())


def _collected(examples: Iterable[RoleExample], say: Say) -> list[RoleExample]:
    collected = []
    for example in examples:
        collected.append(example)
        if len(collected) % _TOLD_EVERY == 0:
            say(f"{len(collected)} examples")
    return collected
