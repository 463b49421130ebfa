"""SIGINT, SIGTERM and SIGHUP end the session first: for programs without a window."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

END_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


@contextmanager
def ended_by_signals(end: Callable[[int], None]) -> Iterator[None]:
    """Inside, each of ``END_SIGNALS`` calls ``end(number)`` on the running loop, in the main thread.

    A second signal of the same kind finds the former handler again: it ends the program at once.
    """
    loop = asyncio.get_running_loop()
    former = {number: signal.getsignal(number) for number in END_SIGNALS}

    def on_signal(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, former[number])
        loop.call_soon_threadsafe(end, number)

    for number in END_SIGNALS:
        # Not loop.add_signal_handler: Windows has none. A plain handler runs between two bytecodes; the
        # wake-up through the loop's own pipe makes a loop that sleeps look at once.
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
