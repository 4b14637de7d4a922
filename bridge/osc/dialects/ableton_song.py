"""Where Live's playhead is. AbletonOSC tells it in beats; a preset's lanes stand in seconds, so the tempo has to stay.

After AbletonOSC's source (song.py, manager.py): `/live/song/get/current_song_time`, `/tempo` and `/is_playing` answer
with one value each, as the set has it in that moment. Messages are looked at each time that Live calls the script,
about every 100 ms, all that came since; a listener would be told no more exactly, and would stay in Live.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from ..asking import ask
from ..link import Link
from ..packets import Message
from ..song import SongPosition
from .base import PlainDialect

TICK_MS: Final = 100.0
_PLAYING, _TEMPO, _TIME = (f"/live/song/get/{what}" for what in ("is_playing", "tempo", "current_song_time"))
# Of the tempo: the song is 20 ms off after more than three minutes.
_SAME_TEMPO: Final = 1e-4


class LiveSong:
    """Reads what AbletonOSC answers about the song.

    Attributes:
        problem: why it cannot be followed any more; empty: it can.
    """

    # The position last: it is taken with what was told of the others right before.
    QUESTIONS: ClassVar[Sequence[Message]] = (Message(_PLAYING), Message(_TEMPO), Message(_TIME))

    def __init__(self) -> None:
        self.problem = ""
        self._plays: bool | None = None
        self._bpm: float | None = None

    def position(self, message: Message) -> SongPosition | None:
        """Take a message; gives a position for one that tells it, once the rest is known."""
        value = message.args[-1] if message.args else None
        if not isinstance(value, int | float):
            return None
        if message.address == _PLAYING:
            self._plays = bool(value)
        elif message.address == _TEMPO and value > 0:
            self._take_tempo(float(value))
        elif message.address == _TIME and self._plays is not None and self._bpm is not None:
            return SongPosition(max(float(value), 0.0) * 60.0 / self._bpm, float(self._plays))
        return None

    def _take_tempo(self, bpm: float) -> None:
        if self._plays and self._bpm is not None and abs(bpm - self._bpm) > _SAME_TEMPO * self._bpm:
            self.problem = (
                f"Live's tempo went from {self._bpm:g} to {bpm:g} BPM while it played. AbletonOSC tells in beats where "
                "the song is, and lanes stand in seconds: a set is followed as long as it keeps one tempo. Where it "
                "cannot, `mixbridge apply` renders the mix with its lanes."
            )
        self._bpm = bpm


class LiveSongs(PlainDialect):
    """What of the dialect is about the song."""

    tick_ms = TICK_MS

    def __init__(self) -> None:
        self._song: LiveSong | None = None

    def open_song(self, link: Link) -> bool:
        """Wait until Live has told where it is.

        Raises:
            DeskError: it does not answer.
        """
        song = self._song = LiveSong()
        ask(link, song.QUESTIONS, lambda got: song.position(got[-1]) is not None, wait_s=self.reply_ms / 1000)
        return True

    def song_questions(self) -> Sequence[Message]:
        """Ask whether it plays, how fast, and where."""
        return LiveSong.QUESTIONS

    def song_position(self, message: Message) -> SongPosition | None:
        """Read the position of the playhead."""
        return None if self._song is None else self._song.position(message)

    def song_problem(self) -> str:
        """Tell that the tempo changed."""
        return "" if self._song is None else self._song.problem
