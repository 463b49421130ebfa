"""The call in a running program, and its measurement."""

import asyncio
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from atlas_desktop import __version__
from atlas_desktop.api.source import Mode
from atlas_desktop.app import Program
from atlas_desktop.check.report import Report
from atlas_desktop.check.usage import UsageMeter, launched_s
from atlas_desktop.clock import monotonic_us
from atlas_desktop.errors import AppError
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, ArrayReader
from atlas_desktop.options import CheckOptions
from atlas_desktop.session.state import Failed

_LIVE_LIMIT_S = 70.0
_SOUND_LIMIT_S = 10.0
_PAINT_LIMIT_S = 2.0
_SAMPLE_EVERY_S = 0.005
_QUESTION = "What can you do?"
_SCREENSHOT = "check.png"


@dataclass(slots=True)
class _CallSamples:
    """What is sampled while the call lasts."""

    round_trips_ms: list[float] = field(default_factory=list)
    skews_ms: list[float] = field(default_factory=list)
    longest_gap_us: int = 0
    last_paint_us: int = 0

    def add_paint(self, painted_us: int | None) -> None:
        """Record the time of the newest paint; several samples may see the same one."""
        if painted_us is None or painted_us == self.last_paint_us:
            return
        if self.last_paint_us:
            self.longest_gap_us = max(self.longest_gap_us, painted_us - self.last_paint_us)
        self.last_paint_us = painted_us


class MeasuredCall:
    """One call: start, say something, measure, take a screenshot, end. Thread: the main one."""

    def __init__(self, program: Program, options: CheckOptions) -> None:
        self._program = program
        self._options = options
        self._assembly = program.assembly
        self._session = program.assembly.session
        self._samples = _CallSamples()
        self.report = Report(__version__, options.mode)

    async def make(self) -> Report:
        """Make the call and return its report."""
        report = self.report
        since_paint_s = time.monotonic() - self._program.first_paint_us / 1e6
        report.window_ms = (launched_s() - since_paint_s) * 1000
        began_us = monotonic_us()
        if is_live := await self._start():
            await self._speak()
            await self._measure()
            self._judge(began_us)
        report.source = self._session.snapshot.source_label
        if is_live and self._options.local:
            await self._call_again()
        return report

    async def _call_again(self) -> None:
        """Measure the time to the first frame of a second rehearsal, when the local Atlas already runs."""
        self._session.end()
        await self._session.ended()
        began_us = monotonic_us()
        if not await self._start():
            return
        # Live begins with the frame's arrival; its paint follows, unless the window is hidden.
        deadline_s = time.monotonic() + _PAINT_LIMIT_S
        counters = self._assembly.picture.counters
        while counters.first_painted_us is None and time.monotonic() < deadline_s:
            await asyncio.sleep(_SAMPLE_EVERY_S)
        if counters.first_painted_us is not None:
            self.report.first_frame_again_ms = (counters.first_painted_us - began_us) / 1000

    async def _start(self) -> bool:
        model = self._assembly.model
        model.set_mode(Mode(self._options.mode))
        unsubscribe = self._session.on_notice(self._take_notice)
        (model.rehearse if self._options.local else model.start)()
        if self._session.snapshot.is_over:
            self.report.problems.append("no session was started: there is no key and no backend")
            return False
        try:
            async with asyncio.timeout(_LIVE_LIMIT_S):
                live = await self._session.wait_live()
        except (AppError, TimeoutError) as error:
            self.report.problems.append(str(error) or "the avatar did not appear in time")
            return False
        finally:
            unsubscribe()
        if not live:
            self.report.problems.append("the session ended before it was live")
        return live

    async def _speak(self) -> None:
        if self._options.mode == Mode.PASSTHROUGH:
            self._session.speak(ArrayReader(_hum()))
        else:
            self._assembly.model.send(_QUESTION)
        deadline_s = time.monotonic() + _SOUND_LIMIT_S
        while self._session.audio.first_sound_us is None and time.monotonic() < deadline_s:
            await asyncio.sleep(_SAMPLE_EVERY_S)

    async def _measure(self) -> None:
        report, counters = self.report, self._assembly.picture.counters
        heard = self._assembly.sound.counters
        child = self._assembly.rehearsal.pid
        own, local = UsageMeter(), UsageMeter(child) if child is not None else None
        player = UsageMeter(self._assembly.sound.pid) if self._assembly.sound.pid is not None else None
        received, painted = self._session.video.received, counters.painted
        began_s = time.monotonic()
        await self._sample_for(self._options.seconds)
        report.seconds = time.monotonic() - began_s
        sound = self._assembly.sound.counters
        report.frames_received = self._session.video.received - received
        report.frames_shown = counters.painted - painted
        report.frame_cost_ms, report.sound_level_ms = counters.cost_ms, sound.level_ms
        report.underruns, report.starved = sound.underruns - heard.underruns, sound.starved - heard.starved
        usage = own.read()
        if usage is not None:
            report.cpu_percent, report.memory_mb = usage.cpu_percent, usage.memory_mb
            report.threads = usage.threads
        player_usage = player.read() if player is not None else None
        if player_usage is not None:
            report.sound_cpu_percent = player_usage.cpu_percent
            report.sound_memory_mb = player_usage.memory_mb
        local_usage = local.read() if local is not None else None
        if local_usage is not None:
            report.local_atlas_cpu_percent = local_usage.cpu_percent
            report.local_atlas_memory_mb = local_usage.memory_mb
        if self._options.out is not None:
            report.screenshot = str(self._take_screenshot(self._options.out))

    async def _sample_for(self, seconds: float) -> None:
        """Poll paints and figures: hooks in the painter would disturb what is measured."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s and not self._session.snapshot.is_over:
            self._samples.add_paint(self._assembly.picture.counters.last_painted_us)
            rtt_ms = self._session.snapshot.rtt_ms
            if rtt_ms is not None:
                self._samples.round_trips_ms.append(rtt_ms)
            sync = self._session.lip_sync.figures
            if sync.settled and sync.skew_ms is not None:
                self._samples.skews_ms.append(sync.skew_ms)
            await asyncio.sleep(_SAMPLE_EVERY_S * 2)

    def _judge(self, began_us: int) -> None:
        report, video, audio = self.report, self._assembly.picture.counters, self._session.audio
        if video.first_painted_us is None:
            report.problems.append("no picture was shown")
        else:
            report.first_frame_ms = (video.first_painted_us - began_us) / 1000
        if audio.first_sound_us is None:
            report.problems.append("no sound arrived")
        else:
            report.first_sound_ms = (audio.first_sound_us - began_us) / 1000
        if report.frames_received == 0:
            report.problems.append("the picture stopped")
        report.longest_gap_ms = self._samples.longest_gap_us / 1000 or None
        if self._samples.round_trips_ms:
            report.round_trip_ms = statistics.median(self._samples.round_trips_ms)
        self._judge_sync()
        state = self._session.snapshot.state
        if isinstance(state, Failed):
            report.problems.append(str(state.error))

    def _judge_sync(self) -> None:
        report, sync = self.report, self._session.lip_sync.figures
        report.lip_sync, report.lip_sync_settled = sync.lip_sync, sync.settled
        report.picture_path_ms, report.sound_path_ms = sync.picture_ms, sync.sound_ms
        report.hold_ms = sync.hold_ms if sync.sound_ms is not None else None
        skews_ms = self._samples.skews_ms
        report.skew_ms = statistics.median(skews_ms) if skews_ms else sync.skew_ms
        report.painter = self._assembly.picture.painter

    def _take_screenshot(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / _SCREENSHOT
        self._program.window.grab().save(str(file))
        return file

    def _take_notice(self, error: AppError) -> None:
        self.report.problems.append(str(error))


def _hum() -> "np.ndarray[tuple[int, int], np.dtype[np.int16]]":
    """Return two seconds of a hummed, rising and falling vowel: int16, (samples, 1)."""
    time_s = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    pitch = 2 * np.pi * np.cumsum(140 + 30 * np.sin(2 * np.pi * time_s)) / SAMPLE_RATE_HZ
    tone = sum(np.sin(number * pitch) / number for number in range(1, 8))
    swell = np.sin(np.pi * 3 * time_s) ** 2
    return (4000 * tone * swell).astype(np.int16).reshape(-1, 1)
