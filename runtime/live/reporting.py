"""How the engine does, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from .feeding import Recorder
from .memory import EngineMemory, Tally, percentile_ns


@dataclass(frozen=True)
class LiveReport:
    """How the engine does.

    Attributes:
        sample_rate_hz: of everything.
        block_frames: samples of a block.
        period_ms: how long a block lasts.
        frames: samples that went out.
        blocks: in as many blocks.
        late_blocks: blocks that took the engine longer than they last.
        xruns: blocks that the server or device says were lost; with the null backend, that were not done in time.
        starved_blocks: blocks for which stems were not read in time.
        silenced_blocks: blocks that were no numbers.
        over_blocks: blocks with samples above full scale.
        callback_p99_ms: what 99 % of the blocks took at most, to within 6 %.
        callback_worst_ms: what the slowest took.
        latency_samples: how much later than it came in everything goes out, the same for all tracks.
        changes: changes of settings that were begun.
        restarts: how often the engine's process had to be started again.
        recorded_frames: samples in the recording.
        record_lost_frames: samples of it that were lost.
        insert_latency_samples: what of the latency is of inserts.
        insert_late_blocks: blocks in which tracks were heard as they came, as inserts were not done in time.
    """

    sample_rate_hz: int
    block_frames: int
    period_ms: float
    frames: int
    blocks: int
    late_blocks: int
    xruns: int
    starved_blocks: int
    silenced_blocks: int
    over_blocks: int
    callback_p99_ms: float
    callback_worst_ms: float
    latency_samples: int
    changes: int
    restarts: int
    recorded_frames: int
    record_lost_frames: int
    insert_latency_samples: int = 0
    insert_late_blocks: int = 0

    @classmethod
    def of(cls, memory: EngineMemory, block_frames: int, restarts: int, recorder: Recorder | None) -> LiveReport:
        """Read the counters.

        Args:
            memory: where they are.
            block_frames: of a block, as long as none has come.
            restarts: how often the engine's process had to be started again.
            recorder: of the mix; None for none.
        """
        rate_hz, frames = memory.shape.sample_rate_hz, memory[Tally.BLOCK_FRAMES] or block_frames
        return cls(
            sample_rate_hz=rate_hz,
            block_frames=frames,
            period_ms=1000 * frames / rate_hz,
            frames=memory[Tally.MIXED],
            blocks=memory[Tally.BLOCKS],
            late_blocks=memory[Tally.LATE],
            xruns=memory[Tally.XRUNS],
            starved_blocks=memory[Tally.STARVED],
            silenced_blocks=memory[Tally.BAD],
            over_blocks=memory[Tally.OVERS],
            callback_p99_ms=percentile_ns(memory.histogram, 0.99) / 1e6,
            callback_worst_ms=memory[Tally.WORST_NS] / 1e6,
            latency_samples=memory[Tally.LATENCY] + memory.insert_latency,
            insert_latency_samples=memory.insert_latency,
            insert_late_blocks=memory[Tally.INSERT_LATE],
            changes=memory[Tally.CHANGES],
            restarts=restarts,
            recorded_frames=recorder.frames if recorder else 0,
            record_lost_frames=recorder.lost_frames if recorder else 0,
        )
