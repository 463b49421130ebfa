"""The one feeder: clips and microphone in, 10 ms blocks out, paced by a thread of its own."""

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np

from atlas_desktop.aio import ErrorHandler, guarded
from atlas_desktop.clock import monotonic_us
from atlas_desktop.media.blocks import BLOCK_MS, BLOCK_SAMPLES, SAMPLE_RATE_HZ, Block, BlockReader, silence
from atlas_desktop.media.gate import MicrophoneGate
from atlas_desktop.media.line import ClipLine
from atlas_desktop.media.loop_thread import LoopThread
from atlas_desktop.media.pacing import Pacer
from atlas_desktop.media.speaker import BlockSink, EventCallback

LEAD_MS = 200
"""Clips are queued this far ahead: a stall of the process half as long is never heard.

It adds no delay: the queue is cleared when a clip starts, pauses or is interrupted.
"""
CHUNK_MS = 100
"""A clip is sent in such chunks: one call costs about 1 ms of CPU, whatever its length."""
_LOW_US = (LEAD_MS - CHUNK_MS) * 1000
_LAST_CALL_US = 20_000
_OPENING_POLL_S = 0.005
_CHUNK_SAMPLES = CHUNK_MS * SAMPLE_RATE_HZ // 1000
HISTORY_MS = 20_000
"""So much of what was sent can be put back if it turns out that nobody heard it."""


class Feeder:
    """Sends clips, and the microphone when no clip plays, to one sink. Outlives sessions.

    Without a sink a clip waits. Idle it costs nothing: the sink sends silence by itself.
    Thread: every method may be called from any thread but the media loop's; none blocks but ``close``.

    Attributes:
        underruns: How often a clip in progress was late.
    """

    def __init__(self, name: str = "media-feeder", on_error: ErrorHandler | None = None) -> None:
        self.underruns = 0
        self._thread = LoopThread(name, on_error)
        self._on_error = on_error
        self._line = ClipLine()
        self._pacer = Pacer()
        self._gate = MicrophoneGate()
        self._sink: BlockSink | None = None
        # Each chunk with the time at which its last sample is sent.
        self._sent: deque[tuple[int, Block]] = deque(maxlen=HISTORY_MS // CHUNK_MS)
        self._unheard_from_us: int | None = None
        self._callbacks: tuple[EventCallback, ...] = ()
        self._flowing = False
        self._writing = False
        self._wake: asyncio.Event | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The media loop, to which a sink's own futures belong; starts the thread."""
        return self._thread.loop

    @property
    def playing(self) -> bool:
        """Whether a clip is being spoken now, or is about to be; False while paused or held."""
        return self._line.active

    @property
    def current(self) -> BlockReader | None:
        """The clip that is spoken, or paused."""
        return self._line.current

    @property
    def position_s(self) -> float:
        """How far into the current clip what was sent reaches."""
        if not self._line.active and not self._line.takes_back:
            return self._line.given_s
        return max(0.0, self._line.given_s - self._pacer.lead_us(monotonic_us()) / 1e6)

    @property
    def microphone_open(self) -> bool:
        """Whether what the microphone hears goes out."""
        return self._gate.is_open(self.playing, monotonic_us())

    def attach(self, sink: BlockSink) -> None:
        """Start sending to ``sink``; a clip given earlier starts now."""
        self._sink = sink
        if self._wake is None:
            self._wake = asyncio.Event()
            self._thread.spawn(self._pump, "pump")
        self._poke()

    def detach(self) -> None:
        """Stop sending, but keep the clip: it goes on with the next sink."""
        self._sink = None
        self._poke()

    def play(self, reader: BlockReader) -> None:
        """Speak ``reader`` at once, in place of what is spoken now; it is closed at its end."""
        self._line.play(reader)
        self._poke()

    def follow_with(self, reader: BlockReader | None) -> None:
        """Set what is spoken after the current clip, without a gap; ``None`` takes it back."""
        self._line.follow_with(reader)
        self._poke()

    def pause(self) -> None:
        """Pause at once; what was queued but not sent is put back."""
        self._line.pause()
        self._poke()

    def resume(self) -> None:
        """Resume after ``pause``."""
        self._line.resume()
        self._poke()

    def hold(self, unheard_from_us: int | None = None) -> None:
        """Stop at once, as nobody can hear it: until ``release`` nothing is spoken, whatever is played.

        Args:
            unheard_from_us: What was sent after this time, CLOCK_MONOTONIC, is spoken again after
                ``release``; ``None``: only what was not sent yet.
        """
        self._unheard_from_us = unheard_from_us
        self._line.hold()
        self._poke()

    def release(self) -> None:
        """Go on after ``hold``; a clip that the user paused stays paused."""
        self._line.release()
        self._poke()

    def seek(self, position_s: float) -> None:
        """Go on at ``position_s`` of the current clip, paused or not.

        A clip that can't seek (no ``SeekableReader``) goes on as it was.
        """
        self._line.seek(position_s)
        self._poke()

    def interrupt(self) -> None:
        """Drop the clip and the next; nothing of them is sent from now on."""
        self._line.stop()
        self._poke()

    def set_microphone(self, reader: BlockReader | None) -> None:
        """Set the microphone, or remove it; a reader is closed when it is replaced."""
        self._gate.set_reader(reader)
        self._poke()

    def on_event(self, callback: EventCallback) -> Callable[[], None]:
        """Call ``callback`` with events, in the media loop's thread; return a function to unsubscribe."""
        self._callbacks = (*self._callbacks, callback)

        def unsubscribe() -> None:
            self._callbacks = tuple(known for known in self._callbacks if known is not callback)

        return unsubscribe

    def close(self) -> None:
        """Drop everything and join the thread; ``attach`` starts it again."""
        self._sink = None
        self._line.stop()
        self._gate.set_reader(None)
        # First: a call that comes meanwhile must not start the thread again.
        self._wake = None
        self._thread.close()

    def _poke(self) -> None:
        """Wake the pump; a cut is carried out even while a write is in flight."""
        if self._wake is not None:
            self._thread.call(self._on_poke)

    def _on_poke(self) -> None:
        if self._line.cut_wanted:
            self._cut()
        if self._wake is not None:
            self._wake.set()

    def _cut(self) -> None:
        now_us = monotonic_us()
        sink = self._sink  # read once: another thread may detach it meanwhile
        if sink is not None:
            sink.clear()
        if self._writing:
            return  # what is in flight may land after this: the pump cuts again when it has
        unheard_us, self._unheard_from_us = self._unheard_from_us, None
        from_us = now_us if unheard_us is None else min(now_us, unheard_us)
        unsent, heard = self._split_history(from_us)
        kept = self._line.cut_done(unsent)
        self._gate.clip_plays(now_us)
        self._pacer.cleared(now_us)
        self._sent.clear()
        if kept:
            self._sent.extend(heard)
        self._flowing = False

    def _split_history(self, from_us: int) -> tuple[Block, list[tuple[int, Block]]]:
        """Split into what is sent after ``from_us``, in whole blocks so that none is lost, and before."""
        after, before = [silence(0)], []
        for end_us, chunk in self._sent:
            blocks = -(-max(0, end_us - from_us) // (BLOCK_MS * 1000))
            kept = len(chunk) - min(len(chunk), blocks * BLOCK_SAMPLES)
            after.append(chunk[kept:])
            if kept:
                before.append((min(end_us, from_us), chunk[:kept]))
        return np.concatenate(after), before

    async def _pump(self) -> None:
        wake = self._wake
        while wake is not None:
            wake.clear()
            delay_s = await self._step()
            self._notify()
            if delay_s is None:
                await wake.wait()
            elif delay_s > 0:
                timer = asyncio.get_running_loop().call_later(delay_s, wake.set)
                await wake.wait()
                timer.cancel()

    async def _step(self) -> float | None:
        """Send what is due; return the time until the next step, ``None`` to wait until woken."""
        sink = self._sink
        if sink is None:
            return None
        if self._line.cut_wanted:
            self._cut()
        tail = self._line.take_tail()
        if len(tail):
            await self._write(sink, tail)
            return 0.0
        if self._line.active:
            return await self._speak(sink)
        return await self._listen(sink)

    async def _speak(self, sink: BlockSink) -> float:
        now_us = monotonic_us()
        self._gate.clip_plays(now_us)
        lead_us = self._pacer.lead_us(now_us)
        if lead_us > _LOW_US:
            return (lead_us - _LOW_US) / 1e6
        chunk = self._line.take(_CHUNK_SAMPLES, now_us, flush=lead_us < _LAST_CALL_US)
        if len(chunk):
            self.underruns += self._flowing and lead_us == 0
            self._flowing = True
            self._sent.append((now_us + lead_us + len(chunk) * 1_000_000 // SAMPLE_RATE_HZ, chunk))
            await self._write(sink, chunk)
            return 0.0
        if self._line.exhausted and lead_us == 0:
            self._line.finish()
            self._flowing = False
            return 0.0
        if self._line.exhausted or self._line.has_odd_end:
            return max((lead_us - _LAST_CALL_US) / 1e6, _OPENING_POLL_S)
        return _OPENING_POLL_S

    async def _listen(self, sink: BlockSink) -> float | None:
        if not self._gate.has_reader:
            return None
        now_us = monotonic_us()
        heard = self._gate.read(self._pacer.lead_us(now_us), now_us)
        if len(heard):
            await self._write(sink, heard)
        return MicrophoneGate.POLL_MS / 1000

    async def _write(self, sink: BlockSink, chunk: Block) -> None:
        self._pacer.wrote(len(chunk), monotonic_us())
        self._writing = True
        try:
            await sink.write(chunk)
        finally:
            self._writing = False
        if self._line.cut_wanted:
            self._cut()

    def _notify(self) -> None:
        for event in self._line.events():
            for callback in self._callbacks:
                guarded("media.feeder", self._on_error)(callback)(event)
