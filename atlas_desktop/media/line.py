"""The clip that plays and the one that follows it, joined sample by sample."""

import threading
from collections import deque

import numpy as np

from atlas_desktop.errors import AppError
from atlas_desktop.media.blocks import (
    BLOCK_SAMPLES,
    SAMPLE_RATE_HZ,
    ArrayReader,
    Block,
    BlockReader,
    SeekableReader,
    silence,
)
from atlas_desktop.media.fades import faded_in, fading_tail
from atlas_desktop.media.speaker import (
    ClipEvent,
    ClipFailed,
    ClipFinished,
    ClipHeld,
    ClipReleased,
    ClipStarted,
)


class ClipLine:
    """Queue of the current clip and the next, read without a gap or a lost sample.

    A *cut* means that what was taken, but not sent yet, must not be sent. Until the sender has confirmed it
    (``cut_done``) nothing can be taken, so that a new clip's first samples are not lost with it. At a pause,
    a hold and a seek the sound fades out and in within 5 ms.

    A *hold* is not the user's: while it lasts nothing can be taken, whatever is played or resumed.

    Readers given to it are closed by it. Thread: any; ``take``, ``cut_done``, ``finish`` and
    ``events`` one thread only.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._current: BlockReader | None = None
        self._next: BlockReader | None = None
        self._rest = silence(0)
        self._given_samples = 0
        self._started = False
        self._paused = False
        self._held = False
        self._cut = False
        self._keep_unsent = False
        self._cut_fades = False
        self._fades_in = False
        self._tail = silence(0)
        self._events: deque[ClipEvent] = deque()

    @property
    def current(self) -> BlockReader | None:
        """The clip that plays, or whose end is still on its way."""
        return self._current

    @property
    def active(self) -> bool:
        """Whether there is a clip that is neither paused nor held."""
        return self._current is not None and not self._paused and not self._held

    @property
    def cut_wanted(self) -> bool:
        """Whether what was not sent yet must be dropped now."""
        return self._cut

    @property
    def takes_back(self) -> bool:
        """Whether what was not sent yet is to be put back, but is not yet."""
        return self._cut and self._keep_unsent

    @property
    def exhausted(self) -> bool:
        """Whether all of the current clip was taken, and nothing follows."""
        with self._lock:
            reader = self._current
            return reader is not None and reader.finished and self._next is None and not len(self._rest)

    @property
    def has_odd_end(self) -> bool:
        """Whether less than one block is held back, for a clip that may follow."""
        with self._lock:
            return len(self._rest) > 0 and self._current is not None and self._current.finished

    @property
    def given_s(self) -> float:
        """How much of the current clip was taken."""
        return max(0, self._given_samples - len(self._rest)) / SAMPLE_RATE_HZ

    def play(self, reader: BlockReader) -> None:
        """Replace everything by ``reader``."""
        with self._lock:
            self.stop()
            self._current = reader
            if self._held:
                self._events.append(ClipHeld(reader))

    def follow_with(self, reader: BlockReader | None) -> None:
        """Set what plays after the current clip; ``None`` takes it back."""
        with self._lock:
            if self._next is not None and self._next is not reader:
                self._next.close()
            self._next = reader
            if self._current is None:
                self._promote()

    def pause(self) -> None:
        """Pause the clip; what was not sent yet is put back."""
        with self._lock:
            if self.active:
                if not self._cut:
                    # Else what is dropped is another clip's, or of another place.
                    self._keep_unsent = True
                self._cut = self._cut_fades = True
            self._paused = self._current is not None

    def hold(self) -> None:
        """Hold everything until ``release``; what was not sent, or not heard, is put back."""
        with self._lock:
            if self._held:
                return
            if not self._cut:
                # Else what is dropped is another clip's, or of another place.
                self._keep_unsent = True
            self._held = self._cut = self._cut_fades = True

    def release(self) -> None:
        """Go on after ``hold``, unless paused."""
        with self._lock:
            if self._held and self._current is not None:
                self._events.append(ClipReleased(self._current))
            self._held = False

    def seek(self, position_s: float) -> None:
        """Go on at ``position_s`` of the current clip, paused or not; what was not sent is dropped."""
        with self._lock:
            if not isinstance(self._current, SeekableReader):
                return
            self._current.seek(position_s)
            self._cut = self._cut_fades = True
            self._keep_unsent = False
            self._rest = silence(0)
            self._given_samples = round(max(0.0, position_s) * SAMPLE_RATE_HZ)

    def resume(self) -> None:
        """Go on after ``pause``."""
        self._paused = False

    def stop(self) -> None:
        """Drop the current clip and the next, and any pause."""
        with self._lock:
            if self._current is not None:
                self._cut = True
            for reader in (self._current, self._next):
                if reader is not None:
                    reader.close()
            self._next = None
            self._promote()
            self._rest = silence(0)
            self._tail = silence(0)
            self._paused = self._keep_unsent = self._cut_fades = self._fades_in = False

    def take(self, samples: int, now_us: int, flush: bool = False) -> Block:
        """Return up to ``samples`` samples in whole blocks, int16 (n × 480, 1); maybe none. Never blocks.

        Args:
            samples: A multiple of 480.
            now_us: The time for a ``ClipStarted``.
            flush: Pad a clip's odd end now rather than wait for the clip that follows.
        """
        with self._lock:
            if self._paused or self._held or self._cut:
                return silence(0)
            parts = [self._rest]
            have = len(self._rest)
            while have < samples and (part := self._pull(now_us)) is not None:
                parts.append(part)
                have += len(part)
            whole = np.concatenate(parts)
            if flush and 0 < len(whole) < BLOCK_SAMPLES:
                whole = np.concatenate((whole, silence(BLOCK_SAMPLES - len(whole))))
            count = min(samples, len(whole) // BLOCK_SAMPLES * BLOCK_SAMPLES)
            self._rest = whole[count:]
            taken = whole[:count]
            if count and self._fades_in:
                self._fades_in = False
                return faded_in(taken)
            return taken

    def take_tail(self) -> Block:
        """Return what must be sent after a cut to avoid a click: one block that fades out, or none."""
        with self._lock:
            tail, self._tail = self._tail, silence(0)
            return tail

    def cut_done(self, unsent: Block) -> bool:
        """Confirm the cut; after a pause or a hold, ``unsent`` (taken, but not sent) is put back.

        Returns:
            Whether it was. If its clip had ended already, it becomes a clip of its own.
        """
        with self._lock:
            kept = self._keep_unsent
            if self._cut_fades:
                self._tail = fading_tail(unsent) if len(unsent) else silence(0)
                self._fades_in = True
            if kept and self._current is not None:
                self._rest = np.concatenate((unsent, self._rest))
            elif kept and len(unsent):
                self._current = ArrayReader(unsent)
            if self._held and self._current is not None:
                self._events.append(ClipHeld(self._current))
            self._cut = self._keep_unsent = self._cut_fades = False
            return kept

    def finish(self) -> None:
        """End the current clip, as its last sample was sent."""
        with self._lock:
            self._end_current()

    def events(self) -> list[ClipEvent]:
        """Return what happened since the last call, in order."""
        happened: list[ClipEvent] = []
        while self._events:
            happened.append(self._events.popleft())
        return happened

    def _pull(self, now_us: int) -> Block | None:
        """Return the next samples of the current clip; ``None`` if none is ready."""
        while self._current is not None:
            part = self._current.read()
            if part is not None:
                if not self._started:
                    self._started = True
                    self._events.append(ClipStarted(self._current, now_us))
                self._given_samples += len(part)
                return part
            if not self._current.finished:
                return None
            if self._next is None:
                return None  # its end is not sent yet: `finish` follows
            self._end_current()
        return None

    def _end_current(self) -> None:
        reader = self._current
        if reader is None:
            return
        error: object = getattr(reader, "error", None)
        if isinstance(error, AppError):
            self._events.append(ClipFailed(reader, error))
        else:
            self._events.append(ClipFinished(reader))
        reader.close()
        self._promote()

    def _promote(self) -> None:
        self._current, self._next = self._next, None
        self._given_samples = 0
        self._started = False
