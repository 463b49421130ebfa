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

from atlas_desktop.aio import TaskScope
from atlas_desktop.local_atlas.composition import serve
from atlas_desktop.local_atlas.interfaces import (
    AgentOutput,
    AgentState,
    AvatarComponents,
    ConversationAgent,
    I420Frame,
    MediaFormat,
    Pcm,
)
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

    def append(self, **entry: Any) -> None:
        """Append an event with the current time."""
        self._file.write(json.dumps({"at_s": time.monotonic(), **entry}) + "\n")
        self._file.flush()


class NumberedRenderer:
    """Renders numbered frames, and beeps: an ``AvatarRenderer``. It speaks nothing that is pushed."""

    def __init__(self, stream: Stream, film: Film, log: Log) -> None:
        self._stream = stream
        self._film = film
        self._log = log

    @property
    def queued_samples(self) -> int:
        return 0

    def video_frame(self, index: int) -> I420Frame:
        drawn = self._film.picture(index)
        bar_code.draw(drawn, index)
        self._log.append(frame=index)
        return drawn

    def audio_block(self, index: int) -> Pcm:
        block = sound_block(index)
        second = self._stream.beep_second(index)
        if second is not None:
            self._log.append(beep=second * self._stream.rate_hz)
        return block

    def push_audio(self, block: Pcm) -> None: ...

    def flush(self) -> None: ...

    def set_face(self, face: bytes) -> None: ...


class Talker(ConversationAgent):
    """Publishes transcripts all the time."""

    def __init__(self, output: AgentOutput) -> None:
        self._output = output
        self._scope = TaskScope("talker")

    def greet(self) -> None:
        self._scope.start(self._talk(), "talk")

    async def aclose(self) -> None:
        await self._scope.aclose()

    async def _talk(self) -> None:
        self._output.agent_state(AgentState.SPEAKING)
        for number, word in enumerate(cycle(_WORDS)):
            segment, place = divmod(number, 20)
            self._output.agent_segment(f"s{segment}", f"{word} ", place == 19)
            await asyncio.sleep(_WORD_EVERY_S)


class NumberedAvatars:
    """Creates the same avatar for every session: ``create`` is an ``AvatarFactory``."""

    def __init__(self, stream: Stream, media_format: MediaFormat, log: Log) -> None:
        self._stream = stream
        self._format = media_format
        self._log = log
        self._film = Film(stream)

    def create(self, mode: str, face: bytes | None, output: AgentOutput) -> AvatarComponents:
        self._log.append(created=mode)
        return AvatarComponents(
            NumberedRenderer(self._stream, self._film, self._log), Talker(output), self._format
        )


async def _serve(avatars: NumberedAvatars) -> None:
    stopped = asyncio.Event()
    atlas = await serve(create_avatar=avatars.create)
    gc.freeze()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    print(json.dumps({"base": atlas.base, "key": atlas.key}), flush=True)
    await stopped.wait()
    await atlas.aclose()


def main(words: list[str]) -> None:
    """Serve until stopped."""
    stream = Stream.parse(words[0])
    prefer(_PRIORITY)
    with Path(words[1]).open("a", encoding="utf-8") as file:
        media_format = stream.form(float(words[2]) if len(words) > 2 else 0.0)
        asyncio.run(_serve(NumberedAvatars(stream, media_format, Log(file))))


def prefer(niceness: int) -> None:
    """What measures must not be what is slow: it goes before what is measured, where the system lets it."""
    with suppress(PermissionError):
        os.nice(niceness)


if __name__ == "__main__":
    main(sys.argv[1:])
