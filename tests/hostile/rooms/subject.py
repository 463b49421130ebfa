"""A process with a window and a session, under a hostile room; reports what became of it.

``python -m tests.hostile.rooms.subject session SEED COUNT``: the room's events are made here.
``python -m tests.hostile.rooms.subject peer BASE KEY``: a session on a local Atlas elsewhere. A line on
standard input asks for a session (``begin``) or a report; the end of it for the end.
"""

import asyncio
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from atlas_desktop import qtloop
from atlas_desktop.api.http_source import AtlasSource
from atlas_desktop.api.source import Mode, SessionSource
from atlas_desktop.errors import AppError
from atlas_desktop.session.dependencies import SessionDependencies
from atlas_desktop.session.segment_stream import LONGEST_MESSAGE, clean
from atlas_desktop.session.transcript import MOST_CHARACTERS, MOST_MESSAGES
from tests.hostile.files.subject import peak_mb
from tests.hostile.rooms.shapes import HostileRoom
from tests.hostile.rooms.window import Watched, prepare, watched
from tests.ui.model_bench import KEY, FakeMicrophone, ModelBench, go_live
from tests.unit.session.fakes import settle

MOST_MB = 400.0
_SESSION = 2_000
_REPORT = 200
_SLICE_S = 0.005
_QUIET_S = 0.7


def misfits(window: Watched) -> list[str]:
    """What of the transcript should not be so."""
    messages = window.bench.model.messages
    found = []
    if len(messages) > MOST_MESSAGES or sum(len(one.text) for one in messages) > MOST_CHARACTERS:
        found.append(f"{len(messages)} messages of {sum(len(one.text) for one in messages)} characters")
    if any(len(one.text) > LONGEST_MESSAGE or clean(one.text) != one.text for one in messages):
        found.append("a message is too long, or not clean")
    if len({one.id for one in messages}) != len(messages):
        found.append("two messages have one id")
    return found


def report(window: Watched, outcomes: Counter[str], more: list[str]) -> None:
    """A line on standard output: all since the last one."""
    probe, mb = window.probe, peak_mb()
    line = {"outcomes": dict(outcomes), "worst_s": probe.worst_busy_s, "clock_s": probe.worst_s, "mb": mb}
    line["state"] = window.bench.model.snapshot.state_name
    line["messages"] = len(window.bench.model.messages)
    line["found"] = [*window.found(), *more, *([f"took {mb:.0f} MB"] if mb > MOST_MB else [])]
    print(json.dumps(line), flush=True)
    outcomes.clear()


async def run_session(window: Watched, seed: int, count: int) -> None:
    """Does ``count`` hostile things, a new session every now and then."""
    chance, bench = random.Random(seed), window.bench
    outcomes: Counter[str] = Counter()
    session = max(1, min(_SESSION, count // 2))
    for first in range(0, count, session):
        await go_live(bench, chance.choice((Mode.CONVERSATION, Mode.PASSTHROUGH)))
        room = HostileRoom(
            chance,
            bench.room.room.listener,
            bench.session.video.offer,
            bench.session.audio.offer,
            has_streams=first // session % 2 == 0,
        )
        began_s = time.monotonic()
        last = min(count, first + session)
        for number in range(first, last):
            outcomes[room.act()] += 1
            if time.monotonic() - began_s > _SLICE_S:
                await asyncio.sleep(0)
                began_s = time.monotonic()
            if (number + 1) % _REPORT == 0 and number + 1 < last:
                report(window, outcomes, _typed(window, f"typed {number}"))
        more = [] if await window.shown() else ["not all messages came to be seen"]
        report(window, outcomes, more + misfits(window))
        bench.model.end()
        await bench.over()


def _typed(window: Watched, words: str) -> list[str]:
    """Somebody types in the midst of it; what is wrong with that."""
    sent = window.bench.model.send(words)
    is_there = any(one.text == words for one in window.bench.model.messages)
    return [] if sent and is_there else ["what was typed is not in the transcript"]


class RealRooms:
    """In the place of a ``Bench``: the parts that the program itself uses."""

    def dependencies(self) -> SessionDependencies:
        def ignore(_error: AppError) -> None: ...

        return SessionDependencies.create(ignore)


@dataclass
class LocalSource:
    """In the place of a rehearsal of our own: a local Atlas elsewhere."""

    base: str
    key: str

    async def source(self) -> SessionSource:
        return AtlasSource(self.key, self.base, billed=False)


async def run_peer(window: Watched) -> None:
    """A session on the hostile peer's Atlas, reported on request."""
    bench, lines = window.bench, asyncio.Queue[str]()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line.strip())
        loop.call_soon_threadsafe(lines.put_nowait, "")

    threading.Thread(target=read, daemon=True).start()
    while wanted := await lines.get():
        if wanted == "begin":
            await _begin(window)
            continue
        more = [] if await window.shown(_QUIET_S) else ["not all messages came to be seen"]
        report(window, Counter(), more + misfits(window))
    bench.model.end()
    await settle(lambda: bench.model.snapshot.is_over, 20.0)
    report(window, Counter(), [])


async def _begin(window: Watched) -> None:
    model = window.bench.model
    model.end()
    await settle(lambda: model.snapshot.is_over, 30.0)
    window.bench.session.attach_microphone(cast(Any, FakeMicrophone))
    model.set_mode(Mode.CONVERSATION)
    model.rehearse()
    await settle(lambda: model.snapshot.is_live, 30.0)
    model.set_microphone(True)
    await asyncio.sleep(0.5)
    # Opening a session may take its time; what counts is what the room does to it.
    window.found()
    peak_mb()
    print(json.dumps({"live": True}), flush=True)


def main() -> None:
    """Runs what the arguments say."""
    with tempfile.TemporaryDirectory(prefix="hostile-room-") as name:
        folder = Path(name)
        prepare(folder)
        application = qtloop.make_application()
        kind, *arguments = sys.argv[1:]

        def make() -> ModelBench:
            if kind == "session":
                return ModelBench(folder, environment=KEY)
            rooms, rehearsal = cast(Any, RealRooms()), cast(Any, LocalSource(*arguments))
            return ModelBench(folder, environment=KEY, room=rooms, rehearsal=rehearsal)

        async def work() -> int:
            async with watched(application, make()) as window:
                if kind == "session":
                    await run_session(window, *map(int, arguments))
                else:
                    await run_peer(window)
            return 0

        sys.exit(qtloop.run(application, work))


if __name__ == "__main__":
    main()
