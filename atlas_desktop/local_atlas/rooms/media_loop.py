"""The media clock of a room: a thread that renders audio and video in real time and encodes them."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from atlas_desktop.aio import TaskScope
from atlas_desktop.local_atlas.interfaces import (
    AUDIO_BLOCK_SAMPLES,
    SAMPLE_RATE_HZ,
    SERVICE_FORMAT,
    AvatarRenderer,
    MediaFormat,
)
from atlas_desktop.local_atlas.rooms.encoders import AudioEncoder, EncodedPacket, VideoEncoder

_BLOCK_S = AUDIO_BLOCK_SAMPLES / SAMPLE_RATE_HZ
_MAX_LATENESS_S = 0.2  # beyond that the clock skips ahead
_SIMULTANEOUS_S = 1e-6
_MIN_KEY_FRAME_GAP = 5  # requests that several clients send at once are served by one key frame

Deliver = Callable[[str, list[EncodedPacket]], None]
"""Takes ("video" or "audio", packets) on the event loop."""


class MediaLoop:
    """Runs a renderer in real time: 50 audio blocks and 25 frames a second, stamped by one clock.

    Audio comes first where both are due, so that the frame rendered after it shows the mouth of just this
    audio. What is too late is skipped rather than caught up with.

    Attributes:
        frames: Frames encoded so far.
        paused: While set the clock runs on, but nothing is rendered.
    """

    def __init__(
        self,
        renderer: AvatarRenderer,
        codec: str,
        deliver: Deliver,
        media_format: MediaFormat = SERVICE_FORMAT,
    ) -> None:
        self.frames = 0
        self.paused = False
        self._renderer = renderer
        self._deliver = deliver
        self._block_s = _BLOCK_S / (1 + media_format.audio_ppm / 1e6)
        self._frame_rate_hz = media_format.frame_rate_hz
        self._video_encoder = VideoEncoder(codec, media_format)
        self._audio_encoder = AudioEncoder()
        self._stop = threading.Event()
        self._key_requested = threading.Event()
        self._frozen_until_s = 0.0
        self._last_key_frame = -_MIN_KEY_FRAME_GAP
        self._thread: ThreadPoolExecutor | None = None
        self._scope = TaskScope("media")

    def start(self) -> None:
        """Start the clock, once. Thread: the event loop's."""
        if self._thread is not None:
            return
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="media")
        self._scope.start(self._watch(self._thread), "clock")

    def request_key(self) -> None:
        """Make one of the next frames a key frame."""
        self._key_requested.set()

    def freeze(self, seconds: float | None) -> None:
        """Send neither audio nor video for ``seconds``, or for good (``None``); 0 resumes."""
        self._frozen_until_s = float("inf") if seconds is None else time.monotonic() + seconds

    async def aclose(self) -> None:
        """Stop the clock and wait for its thread."""
        self._stop.set()
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)
        await self._scope.aclose()
        self._video_encoder.close()

    async def _watch(self, thread: ThreadPoolExecutor) -> None:
        # Awaited in a task, so that an error of the renderer is logged instead of lost with its thread.
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(thread, self._run, loop)
        thread.shutdown(wait=False)  # takes no more work: the thread ends with this one
        await work

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        began_s = time.monotonic()
        block = frame = 0
        while True:
            block_s, frame_s = block * self._block_s, frame / self._frame_rate_hz
            due_s = min(block_s, frame_s)
            # The loop may be closed without closing the room: its process must not wait for this thread.
            if self._stop.wait(max(0.0, began_s + due_s - time.monotonic())) or loop.is_closed():
                return
            late_s = time.monotonic() - began_s - due_s
            if late_s > _MAX_LATENESS_S:
                block += int(late_s / self._block_s)
                frame += int(late_s * self._frame_rate_hz)
                continue
            is_playing = not self.paused and time.monotonic() >= self._frozen_until_s
            if block_s <= frame_s + _SIMULTANEOUS_S:
                if is_playing:
                    self._send_audio(loop, block)
                block += 1
            else:
                if is_playing:
                    self._send_video(loop, frame)
                frame += 1

    def _send_audio(self, loop: asyncio.AbstractEventLoop, index: int) -> None:
        packets = self._audio_encoder.encode(self._renderer.audio_block(index), index)
        self._hand_over(loop, "audio", packets)

    def _send_video(self, loop: asyncio.AbstractEventLoop, index: int) -> None:
        key = self._key_requested.is_set() and index - self._last_key_frame >= _MIN_KEY_FRAME_GAP
        if key:
            self._key_requested.clear()
            self._last_key_frame = index
        packets = self._video_encoder.encode(self._renderer.video_frame(index), index, key)
        self.frames += 1
        self._hand_over(loop, "video", packets)

    def _hand_over(self, loop: asyncio.AbstractEventLoop, kind: str, packets: list[EncodedPacket]) -> None:
        if packets and not self._stop.is_set():
            loop.call_soon_threadsafe(self._deliver, kind, packets)
