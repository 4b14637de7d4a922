"""What acts on a track between its fader and the master: the groups that it lies in, and those that control it."""

from __future__ import annotations

from .model import Session, SessionGroup, SessionTrack

_MOST_ACTING = 256


def acting(session: Session, track: SessionTrack | SessionGroup) -> tuple[SessionGroup, ...]:
    """Return all groups that act on a track, the innermost first; a VCA of a track and of its bus acts twice."""
    result: list[SessionGroup] = []
    waiting = [(index, frozenset[int]()) for index in _next(track)]
    # A circle ends where it meets itself, and no session needs more than so many.
    while waiting and len(result) < _MOST_ACTING:
        index, way = waiting.pop(0)
        if index not in way:
            group = session.groups[index]
            result.append(group)
            waiting += [(following, way | {index}) for following in _next(group)]
    return tuple(result)


def silence(session: Session, track: SessionTrack) -> str | None:
    """Tell why the DAW does not play a track, such as "muted" or "muted by Drums"; None if it does."""
    if track.mute:
        return "muted"
    groups = acting(session, track)
    muting = next((group for group in groups if group.mute), None)
    if muting is not None:
        return f"muted by the {muting.kind} {muting.name}"
    if not track.has_output or any(not group.has_output for group in groups):
        return "its output to the master is off"
    return None


def _next(item: SessionTrack | SessionGroup) -> list[int]:
    return [*(() if item.parent is None else (item.parent,)), *item.controls]
