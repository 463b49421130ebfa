"""The signals that ask a program to end, and their handling on an asyncio loop.

The window, whose loop is Qt's, has its own way to receive them (``qtloop``); the list is the same.
"""

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

END_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


@contextmanager
def handle_end_signals(
    on_signal: Callable[[int], None], signals: Sequence[int] = END_SIGNALS
) -> Iterator[None]:
    """Call ``on_signal(number)`` on the running loop for each of ``signals``. Thread: the main one.

    A second signal of the same kind meets the former handler again: by default it ends the program at once.
    """
    loop = asyncio.get_running_loop()
    former = {number: signal.getsignal(number) for number in signals}

    def take(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, former[number])
        loop.call_soon_threadsafe(on_signal, number)

    for number in signals:
        # Not loop.add_signal_handler, which Windows lacks. A plain handler runs between two bytecodes;
        # call_soon_threadsafe wakes a loop that sleeps.
        signal.signal(number, take)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
