"""The rehearsal of a soak: ``python -m tests.bench.soak_rehearsal SECONDS``; a sample a line, as JSON."""

import asyncio
import json
import sys
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import psutil

from atlas_desktop import app
from atlas_desktop.api.source import Mode
from atlas_desktop.options import WindowOptions
from tests.desk.sound import write_wav

_SAMPLE_EVERY_S = 1.0
_LIVE_LIMIT_S = 30.0
# Each room costs LiveKit's native library some 0.4 MB for good (1.2.1: a bare client that only joins and
# leaves shows it). Twelve an hour are what people do; forty-eight would be a soak of that library.
_TALK_S = 600.0
_MESSAGES = ("What can you do?", "Tell me a story.", "And then?", "How does the microphone work?")


class Talk:
    """Keeps a program's rehearsal talking: messages, interrupts, cues, switches of the mode, new sessions."""

    def __init__(self, program: app.Program, folder: Path, seconds: float) -> None:
        self._assembly = program.assembly
        self._model = program.assembly.model
        self._session = program.assembly.session
        self._until_s = time.monotonic() + seconds
        # Short soaks must come round, too.
        self._talk_s = min(_TALK_S, seconds / 4)
        self._cue = folder / "cue.wav"
        hum = 8000 * np.sin(np.arange(3 * 48_000) * 2 * np.pi * 150 / 48_000)
        write_wav(self._cue, hum.astype(np.int16))

    async def run(self) -> None:
        """Session after session, until the time is up."""
        while time.monotonic() < self._until_s:
            self._model.set_mode(Mode.CONVERSATION)
            self._model.rehearse()
            await self._live()
            await self._converse()
            self._model.set_mode(Mode.PASSTHROUGH)
            await asyncio.sleep(0.5)
            await self._live()
            await self._play()
            self._model.end()
            await self._session.ended()

    async def _live(self) -> None:
        async with asyncio.timeout(_LIVE_LIMIT_S):
            if not await self._session.wait_live():
                raise RuntimeError("the session ended before it was live")

    async def _converse(self) -> None:
        until_s, number = time.monotonic() + self._talk_s / 2, 0
        while time.monotonic() < until_s:
            self._model.send(_MESSAGES[number % len(_MESSAGES)])
            await asyncio.sleep(4)
            if number % 3 == 1:
                self._model.interrupt()
            self._model.set_microphone(number % 4 == 2)
            number += 1
        self._model.set_microphone(False)

    async def _play(self) -> None:
        until_s, number = time.monotonic() + self._talk_s / 2, 0
        while time.monotonic() < until_s:
            self._model.open_audio([self._cue, self._cue])
            await asyncio.sleep(4)
            if number % 2:
                self._model.interrupt()
                await asyncio.sleep(1)
            for cue in self._model.cues:
                self._model.remove_cue(cue.id)
            number += 1


class Sampler:
    """Prints what the program and its local Atlas hold, every so often."""

    def __init__(self, program: app.Program) -> None:
        self._rehearsal = program.assembly.rehearsal
        self._own = psutil.Process()
        self._began_s = time.monotonic()

    async def run(self) -> None:
        """Until cancelled."""
        async with httpx.AsyncClient() as client:
            while True:
                own = {**_held(self._own), "tasks": len(asyncio.all_tasks())}
                print(json.dumps({"process": "program", "at_s": self._at_s(), **own}), flush=True)
                # A busy machine may keep one answer too long: the next one tells as much.
                with suppress(httpx.TimeoutException):
                    if self._rehearsal.is_ready:
                        held = await self._local(client)
                        local = {"process": "local Atlas", "at_s": self._at_s(), **held}
                        print(json.dumps(local), flush=True)
                await asyncio.sleep(_SAMPLE_EVERY_S)

    def _at_s(self) -> float:
        return round(time.monotonic() - self._began_s, 2)

    async def _local(self, client: httpx.AsyncClient) -> dict[str, float]:
        assert self._rehearsal.address is not None
        base, key = self._rehearsal.address
        answer = await client.get(f"{base}/local/books", headers={"Authorization": f"Bearer {key}"})
        tasks = answer.json()["tasks"]
        return {**_held(psutil.Process(self._rehearsal.pid)), "tasks": tasks}


def _held(process: psutil.Process) -> dict[str, float]:
    with process.oneshot():
        return {
            "memory_mb": process.memory_info().rss / 1e6,
            "threads": process.num_threads(),
            "descriptors": process.num_fds(),
        }


async def both(talk: Coroutine[Any, Any, None], sampling: Coroutine[Any, Any, None]) -> None:
    """Until the talk is over; a sampler that fails ends it: half a soak is none."""
    async with asyncio.TaskGroup() as both:
        sampler = both.create_task(sampling)
        await talk
        sampler.cancel()


def main(seconds: float) -> int:
    """Opens the program and lets it talk."""
    with TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as name:

        async def script(program: app.Program) -> int:
            await both(Talk(program, Path(name), seconds).run(), Sampler(program).run())
            return 0

        return app.run(WindowOptions(profile=Path(name) / "profile"), script)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
