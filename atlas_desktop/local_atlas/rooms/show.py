"""The room's media clock: a thread that pulls sound and picture from the performer and encodes them."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from atlas_desktop.local_atlas.rooms.encoding import EncodedPacket, PictureEncoder, SoundEncoder
from atlas_desktop.local_atlas.scope import Scope
from atlas_desktop.local_atlas.stage import (
    SAMPLE_RATE_HZ,
    SERVICE_FORM,
    SOUND_BLOCK_SAMPLES,
    MediaForm,
    Performer,
)

log = logging.getLogger(__name__)

_BLOCK_S = SOUND_BLOCK_SAMPLES / SAMPLE_RATE_HZ
_BEHIND_LIMIT_S = 0.2
_TOGETHER_S = 1e-6
_KEY_GAP_FRAMES = 5

Deliver = Callable[[str, list[EncodedPacket]], None]
"""Takes ("video" or "audio", packets) on the event loop."""


class Show:
    """Runs the performer in real time: 50 blocks of 20 ms and 25 pictures a second, stamped by one clock.

    Sound comes first where both are due, so that the picture drawn after it shows the mouth of just this
    sound. What comes too late is skipped rather than caught up with.
    """

    def __init__(
        self, performer: Performer, codec: str, deliver: Deliver, form: MediaForm = SERVICE_FORM
    ) -> None:
        self.frames = 0
        self.skipped_blocks = 0
        self.resting = False
        """Set while nobody is there: the clock runs on, but nothing is drawn."""
        self._performer = performer
        self._deliver = deliver
        self._block_s = _BLOCK_S / (1 + form.sound_ppm / 1e6)
        self._frame_rate_hz = form.frame_rate_hz
        self._picture = PictureEncoder(codec, form)
        self._sound = SoundEncoder()
        self._stop = threading.Event()
        self._key = threading.Event()
        self._frozen_until_s = 0.0
        self._last_key_frame = -_KEY_GAP_FRAMES
        self._thread: ThreadPoolExecutor | None = None
        self._scope = Scope("show")

    def start(self) -> None:
        """Starts the clock, once. Thread: the event loop's."""
        if self._thread is not None:
            return
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="show")
        self._scope.start(self._watch(self._thread), "clock")

    def ask_key(self) -> None:
        """Makes one of the next pictures a key frame."""
        self._key.set()

    def freeze(self, seconds: float | None) -> None:
        """Sends neither sound nor picture for ``seconds``, or for good; 0 goes on."""
        self._frozen_until_s = float("inf") if seconds is None else time.monotonic() + seconds

    async def aclose(self) -> None:
        """Stops the clock and waits for its thread."""
        self._stop.set()
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)
        await self._scope.aclose()
        self._picture.close()

    async def _watch(self, thread: ThreadPoolExecutor) -> None:
        # Awaited as a task, so that an error of the performer is reported instead of lost with its thread.
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(thread, self._run, loop)
        thread.shutdown(wait=False)  # nothing more is given to it: it ends with its work
        await work

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        began_s = time.monotonic()
        block = frame = 0
        while True:
            block_s, frame_s = block * self._block_s, frame / self._frame_rate_hz
            due_s = min(block_s, frame_s)
            # A loop that nobody closed the room on before the process goes must not wait for this thread.
            if self._stop.wait(max(0.0, began_s + due_s - time.monotonic())) or loop.is_closed():
                return
            late_s = time.monotonic() - began_s - due_s
            if late_s > _BEHIND_LIMIT_S:
                self.skipped_blocks += int(late_s / self._block_s)
                block += int(late_s / self._block_s)
                frame += int(late_s * self._frame_rate_hz)
                continue
            is_playing = not self.resting and time.monotonic() >= self._frozen_until_s
            if block_s <= frame_s + _TOGETHER_S:
                if is_playing:
                    self._hand_over(loop, "audio", self._sound.encode(self._performer.sound(block), block))
                block += 1
            else:
                if is_playing:
                    self._draw(loop, frame)
                frame += 1

    def _draw(self, loop: asyncio.AbstractEventLoop, index: int) -> None:
        key = self._key.is_set() and index - self._last_key_frame >= _KEY_GAP_FRAMES
        if key:
            self._key.clear()
            self._last_key_frame = index
        packets = self._picture.encode(self._performer.picture(index), index, key)
        self.frames += 1
        self._hand_over(loop, "video", packets)

    def _hand_over(self, loop: asyncio.AbstractEventLoop, kind: str, packets: list[EncodedPacket]) -> None:
        if packets and not self._stop.is_set():
            loop.call_soon_threadsafe(self._deliver, kind, packets)
