"""Speaks a sound file through an avatar and saves what comes back as an MP4. No window.

    python examples/speak_wav.py hello.wav                     a rehearsal on this computer, free
    ATLAS_API_KEY=ak_… python examples/speak_wav.py hello.wav  Atlas itself, billed
    python examples/speak_wav.py hello.wav -o out.mp4 --face me.png

Ctrl-C ends the session on the server, too, and keeps what was recorded so far.
"""

import argparse
import asyncio
import os
import sys
from contextlib import AsyncExitStack
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.address import DEFAULT_BASE
from atlas_desktop.api.face_file import load_face
from atlas_desktop.api.http_source import AtlasSource
from atlas_desktop.api.source import Mode, SessionSource
from atlas_desktop.clock import monotonic_us
from atlas_desktop.end_signals import handle_end_signals
from atlas_desktop.errors import AppError
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block
from atlas_desktop.media.frames import I420Frame
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.rehearsal import Rehearsal
from atlas_desktop.session.state import Failed
from atlas_desktop.storage.environment import Environment

_CLOCK = Fraction(1, 1_000_000)
_SILENT_BEFORE_END_S = 1.0
_QUICK = {"preset": "veryfast", "tune": "zerolatency"}
_BITS_PER_SECOND = 2_000_000


class Recording:
    """An MP4 with one picture and one sound track, both on the clock of their arrival."""

    def __init__(self, path: Path, first: I420Frame) -> None:
        self._file = av.open(str(path), "w")
        self._video = self._file.add_stream("libx264", rate=25, options=_QUICK)
        self._video.width, self._video.height = first.width, first.height
        self._video.pix_fmt = "yuv420p"
        self._video.bit_rate = _BITS_PER_SECOND
        self._video.time_base = self._video.codec_context.time_base = _CLOCK
        self._audio = self._file.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="stereo")
        self._began_us = first.received_us
        self._samples: int | None = None
        self._last_us = -1
        self.frames = 0

    def add_picture(self, frame: I420Frame) -> None:
        """Adds a picture; one of another size, or without a newer time, is left out."""
        at_us = frame.received_us - self._began_us
        if at_us <= self._last_us or (frame.width, frame.height) != (self._video.width, self._video.height):
            return
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.planes()), "yuv420p")
        picture.pts, picture.time_base = at_us, _CLOCK
        self._last_us = at_us
        self.frames += 1
        self._file.mux(self._video.encode(picture))

    def add_sound(self, block: Block, at_us: int) -> None:
        """Adds a block, int16 (samples, 2); the first one's time places them all."""
        if self._samples is None:
            self._samples = max(0, (at_us - self._began_us) * SAMPLE_RATE_HZ // 1_000_000)
        sound = av.AudioFrame.from_ndarray(block.reshape(1, -1), "s16", "stereo")
        sound.sample_rate = SAMPLE_RATE_HZ
        sound.pts, sound.time_base = self._samples, Fraction(1, SAMPLE_RATE_HZ)
        self._samples += len(block)
        self._file.mux(self._audio.encode(sound))

    def close(self) -> None:
        for stream in (self._video, self._audio):
            self._file.mux(stream.encode(None))
        self._file.close()


async def record_picture(session: AtlasSession, recording: Recording) -> None:
    async for frame in session.video:
        recording.add_picture(frame)


async def record_sound(session: AtlasSession, recording: Recording) -> None:
    async for block in session.audio:
        recording.add_sound(block, monotonic_us())


async def spoken(session: AtlasSession) -> None:
    """Waits until the clip was sent and the avatar has fallen silent, or the session is over."""
    silent_s = 0.0
    while silent_s < _SILENT_BEFORE_END_S and not session.snapshot.is_over:
        await asyncio.sleep(0.1)
        silent_s = 0.0 if session.snapshot.speaking else silent_s + 0.1


async def run(given: argparse.Namespace) -> int:
    """Runs the whole call; the session is ended on every way out."""
    signals: list[int] = []
    async with AsyncExitStack() as stack:
        session = AtlasSession()
        stack.push_async_callback(session.aclose)
        source = await choose_source(stack)

        def on_signal(number: int) -> None:
            signals.append(number)
            session.end()

        stack.enter_context(handle_end_signals(on_signal))
        session.on_state_change(lambda state, detail: print(state, detail or "", file=sys.stderr))
        session.on_notice(lambda error: print(error, file=sys.stderr))
        session.start(source, Mode.PASSTHROUGH, load_face(given.face) if given.face else None)
        if await session.wait_live():
            await call(session, given.sound, given.out)
    return 130 if signals else 0


async def call(session: AtlasSession, sound: Path, out: Path) -> None:
    """Speaks ``sound`` and records the avatar until it has said it; then ends the session.

    Raises:
        AppError: The session failed on the way.
    """
    recording = begin_recording(session, out)
    recorders = TaskScope("recording")
    recorders.start(record_picture(session, recording), "picture")
    recorders.start(record_sound(session, recording), "sound")
    try:
        session.speak(sound)
        await spoken(session)
        session.end()
        life = await session.ended()
        if isinstance(life, Failed):
            raise life.error
    finally:
        await recorders.aclose()
        recording.close()
        print(f"{out}: {recording.frames} frames", file=sys.stderr)


async def choose_source(stack: AsyncExitStack) -> SessionSource:
    """Atlas when there is a key, else the local Atlas."""
    environment = Environment.read(os.environ)
    if environment.api_key:
        atlas = AtlasSource(environment.api_key, environment.api_base or DEFAULT_BASE)
        stack.push_async_callback(atlas.aclose)
        return atlas
    rehearsal = Rehearsal()
    stack.push_async_callback(rehearsal.aclose)
    return await rehearsal.source()


def begin_recording(session: AtlasSession, path: Path) -> Recording:
    first = session.video.latest()
    assert first is not None, "a live session has a picture"
    return Recording(path, first)


def main() -> int:
    """Reads the command line and runs the call."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sound", type=Path, help="any sound or video file")
    parser.add_argument("-o", "--out", type=Path, default=Path("avatar.mp4"), help="default: avatar.mp4")
    parser.add_argument("--face", type=Path, help="the avatar's face: PNG, JPEG or WebP")
    given = parser.parse_args()
    try:
        return asyncio.run(run(given))
    except AppError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
