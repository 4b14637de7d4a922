"""The pass-through beside which live.py measures the engine, in a process of its own."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection

import numpy as np


def pass_through(server: str, count: int, seconds: float, pipe: Connection) -> None:
    """A client that adds its inputs up and nothing else; tells its times and the server's xruns."""
    import gc

    import jack

    client = jack.Client("through", no_start_server=True, servername=server)
    ins = [client.inports.register(f"in {number}") for number in range(count)]
    outs = [client.outports.register(f"out {side}") for side in "LR"]
    times: list[float] = []
    xruns: list[float] = []

    def process(frames: int) -> None:
        begin = time.perf_counter()
        total = np.zeros(frames, np.float32)
        for port in ins:
            total += port.get_array()
        for port in outs:
            port.get_array()[:] = total
        times.append(time.perf_counter() - begin)

    client.set_process_callback(process)
    client.set_xrun_callback(xruns.append)
    gc.freeze()
    gc.disable()
    with client:
        time.sleep(seconds)
    pipe.send((1e3 * float(np.percentile(times, 99)), len(xruns)))
