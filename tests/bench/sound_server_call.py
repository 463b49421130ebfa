"""The call of ``tests.bench.sound_server``: a rehearsal with the microphone on; it says in JSON."""

import asyncio
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from atlas_desktop import app
from atlas_desktop.api.source import Mode
from atlas_desktop.errors import AppError
from atlas_desktop.options import WindowOptions
from tests.desk.talker import Progress

_LOOK_S = 0.01
_SAMPLE_EVERY_S = 2.0
_ASK_EVERY_S = 5.0
_LIVE_LIMIT_S = 30.0
_MESSAGES = ("What can you do?", "Tell me a story.", "And then?", "How does the microphone work?")


def say(**line: Any) -> None:
    print(json.dumps({"at_s": time.monotonic(), **line}), flush=True)


class Call:
    """Keeps the avatar talking and watches the sound."""

    def __init__(self, program: app.Program, seconds: float) -> None:
        self._assembly = program.assembly
        self._seconds = seconds
        self._until_s = time.monotonic() + seconds + _LIVE_LIMIT_S
        self._own = psutil.Process()
        self._assembly.sound.device_failed.connect(self._take_failure)
        self._assembly.sound.microphone_failed.connect(self._take_failure)

    async def run(self) -> None:
        model, session = self._assembly.model, self._assembly.session
        model.set_mode(Mode.CONVERSATION)
        model.rehearse()
        async with asyncio.timeout(_LIVE_LIMIT_S):
            await session.wait_live()
        model.set_microphone(True)
        progress = {"speaker": Progress(), "microphone": Progress()}
        asked_s = sampled_s = 0.0
        number, is_up = 0, False
        while time.monotonic() < self._until_s and not session.snapshot.is_over:
            now_s = time.monotonic()
            self._look(progress["speaker"], "speaker", self._assembly.sound.counters.writes)
            self._look(progress["microphone"], "microphone", self._assembly.microphone.blocks)
            if not is_up and all(one.has_begun for one in progress.values()):
                is_up, self._until_s = True, now_s + self._seconds
                say(up=True)
            if now_s - asked_s > _ASK_EVERY_S:
                asked_s, number = now_s, number + 1
                model.send(_MESSAGES[number % len(_MESSAGES)])
            if now_s - sampled_s > _SAMPLE_EVERY_S:
                sampled_s = now_s
                self._sample()
            await asyncio.sleep(_LOOK_S)
        say(ended="over" if session.snapshot.is_over else "live")

    def _look(self, progress: Progress, what: str, count: int) -> None:
        before = len(progress.gaps_s)
        progress.look(count)
        if len(progress.gaps_s) > before:
            say(resumed=what)

    def _sample(self) -> None:
        with self._own.oneshot():
            say(
                memory_mb=self._own.memory_info().rss / 1e6,
                threads=self._own.num_threads(),
                descriptors=self._own.num_fds(),
            )

    def _take_failure(self, error: AppError) -> None:
        say(notice=error.code)


def main(seconds: float) -> int:
    """Opens the program and calls."""
    with TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as name:

        async def script(program: app.Program) -> int:
            await Call(program, seconds).run()
            return 0

        return app.run(WindowOptions(profile=Path(name) / "profile"), script)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
