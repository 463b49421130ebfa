"""The sender of a comparison: a local Atlas whose avatar shows frame numbers and beeps.

``python -m tests.bench.versus.sender STREAM LOG [PPM]``: prints where it listens, as ``atlas-desktop local``
does; each frame, beep and created session goes to LOG, a JSON object a line, with its CLOCK_MONOTONIC time.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import time
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any, TextIO

from atlas_desktop.local_atlas.running import serve
from atlas_desktop.local_atlas.scope import Scope
from atlas_desktop.local_atlas.stage import AgentState, Cast, MediaForm, Picture, Sound, Stage
from tests.bench.versus import bar_code
from tests.bench.versus.film import Film
from tests.bench.versus.stream import Stream, sound_block

_WORDS = ("The quick brown fox jumps over the lazy dog, and says what it is about to do next. " * 3).split()
_WORD_EVERY_S = 0.3
_PRIORITY = -5


class Log:
    """Writes what was sent when. Thread: any, one line at a time."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def tell(self, **entry: Any) -> None:
        """Notes an event with the time at which it is told."""
        self._file.write(json.dumps({"at_s": time.monotonic(), **entry}) + "\n")
        self._file.flush()


class Body:
    """Shows numbered pictures, and beeps: a ``Performer``. Whatever it is told to say, it does not."""

    def __init__(self, stream: Stream, film: Film, log: Log) -> None:
        self._stream = stream
        self._film = film
        self._log = log

    def picture(self, index: int) -> Picture:
        drawn = self._film.picture(index)
        bar_code.draw(drawn, index)
        self._log.tell(frame=index)
        return drawn

    def sound(self, index: int) -> Sound:
        block = sound_block(index)
        second = self._stream.beep_second(index)
        if second is not None:
            self._log.tell(beep=second * self._stream.rate_hz)
        return block

    def push_speech(self, block: Sound) -> None: ...

    def flush(self) -> None: ...

    def set_face(self, face: bytes) -> None: ...


class Talker:
    """Says words as subtitles, all the time: a ``Mind``."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._scope = Scope("talker")

    def greet(self) -> None:
        self._scope.start(self._talk(), "talk")

    def hear_text(self, text: str) -> None: ...

    def hear_audio(self, block: Sound) -> None: ...

    async def aclose(self) -> None:
        await self._scope.aclose()

    async def _talk(self) -> None:
        self._stage.agent_state(AgentState.SPEAKING)
        for number, word in enumerate(cycle(_WORDS)):
            segment, place = divmod(number, 20)
            self._stage.agent_segment(f"s{segment}", f"{word} ", place == 19)
            await asyncio.sleep(_WORD_EVERY_S)


class Director:
    """Casts the same avatar for every session: ``director.cast`` is a ``Casting``."""

    def __init__(self, stream: Stream, form: MediaForm, log: Log) -> None:
        self._stream = stream
        self._form = form
        self._log = log
        self._film = Film(stream)

    def cast(self, mode: str, face: bytes | None, stage: Stage) -> Cast:
        self._log.tell(created=mode)
        return Cast(Body(self._stream, self._film, self._log), Talker(stage), self._form)


async def _serve(director: Director) -> None:
    told = asyncio.Event()
    atlas = await serve(casting=director.cast)
    gc.freeze()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    print(json.dumps({"base": atlas.base, "key": atlas.key}), flush=True)
    await told.wait()
    await atlas.aclose()


def main(words: list[str]) -> None:
    """Serves until it is told to stop."""
    stream = Stream.parse(words[0])
    prefer(_PRIORITY)
    with Path(words[1]).open("a", encoding="utf-8") as file:
        form = stream.form(float(words[2]) if len(words) > 2 else 0.0)
        asyncio.run(_serve(Director(stream, form, Log(file))))


def prefer(niceness: int) -> None:
    """What measures must not be what is slow: it goes before what is measured, where the system lets it."""
    with suppress(PermissionError):
        os.nice(niceness)


if __name__ == "__main__":
    main(sys.argv[1:])
