import asyncio
import os
import signal
import sys

import pytest

from atlas_desktop.end_signals import handle_end_signals


@pytest.mark.skipif(sys.platform == "win32", reason="a signal can't be sent to oneself there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_asks_for_the_end_once_and_is_then_itself_again(number: signal.Signals) -> None:
    asked: list[int] = []
    former = signal.getsignal(number)
    with handle_end_signals(asked.append):
        os.kill(os.getpid(), number)
        async with asyncio.timeout(1):
            while not asked:
                await asyncio.sleep(0.005)
        assert signal.getsignal(number) is former
    assert asked == [number]
    assert signal.getsignal(number) is former
