"""Sentences for the speaking voices, put together by chance: talk as in a podcast, and lines as in a song.

A third of all sentences, by their hash, is kept for testing and never spoken in training.
"""

from __future__ import annotations

import hashlib

import numpy as np

_NOUNS = (
    "river",
    "morning",
    "shadow",
    "fire",
    "window",
    "summer",
    "highway",
    "ocean",
    "mirror",
    "stranger",
    "garden",
    "thunder",
    "winter",
    "heart",
    "city",
    "silence",
    "engine",
    "paper",
    "diamond",
    "echo",
    "corner",
    "ceiling",
    "kitchen",
    "letter",
    "station",
    "market",
    "bridge",
    "teacher",
    "doctor",
    "camera",
    "budget",
    "guitar",
)
_VERBS = (
    "carry",
    "follow",
    "remember",
    "surrender",
    "whisper",
    "borrow",
    "gather",
    "hold",
    "break",
    "leave",
    "burn",
    "answer",
    "wander",
    "forgive",
    "chase",
    "change",
    "notice",
    "measure",
    "explain",
    "record",
    "repair",
    "visit",
    "design",
    "imagine",
)
_QUALITIES = (
    "golden",
    "broken",
    "silver",
    "empty",
    "hollow",
    "electric",
    "quiet",
    "heavy",
    "crooked",
    "velvet",
    "distant",
    "careless",
    "useful",
    "simple",
    "enormous",
    "honest",
    "ordinary",
    "delicate",
    "stubborn",
)
_TALK = (
    "So the thing about the {q} {n} is that nobody really wants to {v} it.",
    "I was talking to a friend about the {n}, and she said something I keep coming back to.",
    "Welcome back, today we are going to {v} the {q} {n} and see what happens.",
    "Honestly, I used to {v} every {n} I could find, and then I stopped.",
    "And that, I think, is where the {n} and the {m} finally meet.",
    "Right, but how do you {v} a {n} when the {m} is so {q}?",
    "If you have ever tried to {v} a {q} {n}, you know exactly what I mean.",
    "Let me give you an example from the {n} business.",
    "It took us about {d} years to {v} the whole {n}.",
    "Yeah. No, absolutely.",
    "Well, you know, it depends on the {n}.",
    "In nineteen ninety {d} there was exactly one {q} {n} in the entire town, and they decided to {v} it.",
    "What surprised me most was how {q} the {n} turned out to be!",
    "We will put a link to the {n} in the show notes.",
    "My first question is always the same: who is going to {v} the {m}?",
    "There were {d} of us in a {q} room, waiting for the {n} to start.",
    "Before we go on, a quick word about the {q} {n} that makes this possible.",
    "That is a {q} way to {v} a {n}, and I mean it as a compliment.",
    "Some people {v} first and {w} later, and the {n} never forgives them.",
    "Could you tell us a little more about the {m}, and about the {q} {n} behind it?",
)
_SONG = (
    "I {v} the {q} {n} and you {w} my {m}.",
    "every {q} {n} will {v} you home.",
    "don't you {v} me, {q} {n}.",
    "we were {q}, we were {p}, under the {n}.",
    "if I {v} the {n}, would you {w} for me?",
    "there's a {n} in the {m}, and it's calling out your name.",
    "oh, {v} me down to the {q} {n}.",
    "nobody told me the {n} would {v} like this.",
    "{v} it, {w} it, {q} on the {n}.",
    "got a {n} and a {m} and a {q} state of mind.",
    "slow down, {v} the {n}, let the {m} decide.",
    "all of my {q} days, all of your {p} nights.",
)


def talk(numbers: np.random.Generator, split: str) -> str:
    """Draws a sentence as spoken in a podcast."""
    return _drawn(_TALK, numbers, split)


def lyric(numbers: np.random.Generator, split: str) -> str:
    """Draws a line of a song."""
    return _drawn(_SONG, numbers, split)


def is_held_out(key: str) -> bool:
    """Tells whether a sentence, given by text or file name, belongs to the third kept for testing."""
    return hashlib.sha256(key.encode()).digest()[0] % 3 == 0


def _drawn(templates: tuple[str, ...], numbers: np.random.Generator, split: str) -> str:
    """Draws until a sentence belongs to the split."""
    while True:
        sentence = _filled(templates[numbers.integers(len(templates))], numbers)
        if is_held_out(sentence) == (split == "test"):
            return sentence


def _filled(template: str, numbers: np.random.Generator) -> str:
    nouns = numbers.choice(_NOUNS, 2, replace=False)
    verbs = numbers.choice(_VERBS, 2, replace=False)
    qualities = numbers.choice(_QUALITIES, 2, replace=False)
    return template.format(
        n=nouns[0], m=nouns[1], v=verbs[0], w=verbs[1], q=qualities[0], p=qualities[1], d=numbers.integers(2, 10)
    )
