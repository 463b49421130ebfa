"""How a program of the desk has the real sound process, as the window has it."""

import asyncio
from collections.abc import Awaitable, Callable

from atlas_desktop import qtloop
from atlas_desktop.sound_client.sound_client import SoundClient
from tests.desk.process import raise_priority

_START_LIMIT_S = 20.0


def run(work: Callable[[SoundClient], Awaitable[None]]) -> None:
    """Runs ``work`` on Qt's loop beside a sound process that is up."""

    async def whole() -> int:
        client = SoundClient()
        client.start()
        async with asyncio.timeout(_START_LIMIT_S):
            while client.pid is None:
                await asyncio.sleep(0.01)
        raise_priority(client.pid)
        try:
            await work(client)
        finally:
            await client.aclose()
        return 0

    qtloop.run(qtloop.make_application(), whole)
