"""The sound process, seen from the window: started, supervised, restarted when it dies, and sent orders.

It may crash at any moment, and does when the computer's sound server stops: Qt's client library for
PulseAudio then aborts the process that it is in (6.11). The state of devices and playout is sent to each
restarted process.
"""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.guard_protocol import decode_error, decode_message, encode_message
from atlas_desktop.child import Child
from atlas_desktop.errors import AppError, ChildError, DeviceError, SoundServerLostError
from atlas_desktop.media.shared_ring import RingWriter
from atlas_desktop.sound_client.device_names import DeviceLists, names_in
from atlas_desktop.sound_client.memory import (
    AVATAR,
    MAIN,
    MICROPHONE,
    PROCESS,
    SPEAKER,
    SoundCounters,
    SoundMemory,
)
from atlas_desktop.sound_client.playout_client import Order, PlayoutClient

log = logging.getLogger(__name__)

ROLE = "sound"
_CHECK_EVERY_S = 0.5
_STOPPED_S = 3.0
"""A process without a heartbeat for so long is stopped, or its GIL is held."""
_BLOCKED_S = 8.0
"""How long the sound server may block one of its threads: it may recover."""
_DELAYS_S = (0.0, 0.0, 0.1, 0.2, 0.4, 0.8)
_LONGEST_DELAY_S = 15.0
_FEW, _MANY = 2, 20
_LIVED_S = 10.0
_LOST_S = 1.2
"""Without sound for so long, the user is notified."""


@dataclass(slots=True)
class _RestartBackoff:
    """The pause before the next start, which grows with each process that died soon after its start."""

    young_deaths: int = 0

    def delay_s(self, lived_s: float) -> float:
        """Return how long to wait before the next start."""
        self.young_deaths = 1 if lived_s > _LIVED_S else self.young_deaths + 1
        if self.young_deaths > _MANY:
            return _LONGEST_DELAY_S
        return _DELAYS_S[min(self.young_deaths, len(_DELAYS_S)) - 1]


class SoundClient(QObject):
    """Speaker and microphone of this computer, in a process of their own.

    Thread: main, unless said otherwise; an asyncio loop runs.

    Signals:
        device_failed(AppError): No speaker, no sound server, or it broke; emitted once until one works again.
        device_opened(str): Sound is played on the speaker of this name.
        microphone_failed(AppError): The same for the microphone.
        microphone_opened(str): The microphone of this name is open.
        server_returned(): The end of what ``SoundServerLostError`` reported.
        flashed(), calibrated(Heard as a dict or None), calibration_failed(AppError): Of a calibration.

    Attributes:
        memory: Shared with the process.
        sink: Receives the avatar's sound; one thread at a time.
        playout: Volume, mute and gate.
        devices: Speakers and microphones by name.
    """

    device_failed = Signal(object)
    device_opened = Signal(str)
    microphone_failed = Signal(object)
    microphone_opened = Signal(str)
    server_returned = Signal()
    flashed = Signal()
    calibrated = Signal(object)
    calibration_failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.memory = SoundMemory.create()
        self.sink = RingWriter(self.memory.avatar, AVATAR)
        self.playout = PlayoutClient(self.memory, self._send)
        self.devices = DeviceLists(self)
        self._scope = TaskScope("sound", self.device_failed.emit)
        self._process: Child | None = None
        self._chosen: dict[str, str] = {}
        self._microphone: Order | None = None
        self._calibrates = False
        self._backoff = _RestartBackoff()
        self._is_lost = self._had_server = False
        self._lost_timer: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The running sound process; ``None`` while there is none."""
        return self._process.pid if self._process is not None else None

    @property
    def counters(self) -> SoundCounters:
        """The sound thread's counters. Thread: any."""
        return self.memory.counters

    def start(self) -> None:
        """Start the process, and keep one running."""
        self._scope.start(self._keep_running(), "process")

    async def aclose(self) -> None:
        """End the process, and release the memory."""
        await self._scope.aclose()
        if self._lost_timer is not None:
            self._lost_timer.cancel()
        process, self._process = self._process, None
        if process is not None:
            await process.aclose()
        self.sink.close()
        self.memory.shared.close()

    def choose_speaker(self, key: str) -> None:
        """Play on the speaker of this ``DeviceName.key`` when connected; on the default when empty."""
        self._choose("speaker", key)

    def choose_microphone(self, key: str) -> None:
        """Capture from this microphone when connected; from the default when empty."""
        self._choose("microphone", key)

    def open_microphone(self, port: int) -> None:
        """Open the microphone: its sound is written to ``memory.captured``, and ``port`` is woken."""
        self._microphone = {"do": "open_microphone", "port": port}
        self._send(self._microphone)

    def close_microphone(self) -> None:
        """Close the microphone."""
        self._microphone = None
        self._send({"do": "close_microphone"})

    def calibrate(self, speaker_ms: float, *, listens: bool) -> None:
        """Start a calibration, which reports by signals until ``stop_calibration``."""
        if self._process is None:
            self.calibration_failed.emit(SoundServerLostError())
            return
        self._calibrates = True
        self._send({"do": "calibrate", "speaker_ms": speaker_ms, "listens": listens})

    def move_flash(self, speaker_ms: float) -> None:
        """Set the delay of the calibration's flashes."""
        self._send({"do": "move_flash", "speaker_ms": speaker_ms})

    def stop_calibration(self) -> None:
        """End the running calibration."""
        self._calibrates = False
        self._send({"do": "stop_calibration"})

    def _choose(self, what: str, key: str) -> None:
        if self._chosen.get(what, "") != key:
            self._chosen[what] = key
            self._send(self._choice(what))

    def _choice(self, what: str) -> Order:
        return {"do": "choose", "what": what, "key": self._chosen[what]}

    def _send(self, order: Order) -> None:
        process = self._process
        if process is not None:
            # It may have died just now: the next process is sent the whole state.
            with suppress(ChildError):
                process.send(encode_message(order))

    async def _keep_running(self) -> None:
        while True:
            started_s = time.monotonic()
            try:
                await self._run_once()
            except ChildError as error:
                log.info("the sound process did not start: %s", error)
            self._process_lost()
            await asyncio.sleep(self._backoff.delay_s(time.monotonic() - started_s))

    async def _run_once(self) -> None:
        """Run one process until it has ended."""
        for whose in (PROCESS, SPEAKER, MICROPHONE, MAIN):
            self.memory.stop_beating(whose)
        shared = self.memory.shared
        # Where there was a sound server, the new process waits for it instead of starting again and again.
        words = ["--wait"] if self._had_server else []
        process = await Child.start(ROLE, *words, shared.name, inherited=shared.inherited)
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        process.listen(self._take, ended.set_result)
        self._process = process
        self.sink.wakes = int(process.first_line["port"])
        self._send_state()
        try:
            while not ended.done():
                await asyncio.wait({ended}, timeout=_CHECK_EVERY_S)
                if self._hangs() and not ended.done():
                    process.kill()
                    await asyncio.wait({ended})
            log.info("the sound process ended with status %s", ended.result())
        finally:
            if ended.done():
                self._process, self.sink.wakes = None, 0

    def _hangs(self) -> bool:
        silent_s = self.memory.silent_s(PROCESS)
        blocked_s = max(self.memory.silent_s(whose) for whose in (SPEAKER, MICROPHONE, MAIN))
        if silent_s < _STOPPED_S and blocked_s < _BLOCKED_S:
            return False
        log.info("the sound process hangs: stopped %.1f s, blocked %.1f s", silent_s, blocked_s)
        return True

    def _send_state(self) -> None:
        for order in self.playout.replay():
            self._send(order)
        for what in self._chosen:
            self._send(self._choice(what))
        if self._microphone is not None:
            self._send(self._microphone)

    def _process_lost(self) -> None:
        """Reset what the ended process had."""
        self.devices.set((), ())
        if self._calibrates:
            self._calibrates = False
            self.calibration_failed.emit(SoundServerLostError())
        if self._had_server or self._backoff.young_deaths > _FEW:
            self._expect_return()

    def _expect_return(self) -> None:
        if self._lost_timer is None and not self._is_lost:
            self._lost_timer = asyncio.get_running_loop().call_later(_LOST_S, self._report_lost)

    def _report_lost(self) -> None:
        self._lost_timer = None
        self._is_lost = True
        self.device_failed.emit(SoundServerLostError())

    def _take(self, line: bytes) -> None:
        """Handle an event of the process."""
        try:
            event = decode_message(line)
        except ValueError:
            log.info("the sound process printed %r", line[:80])
            return
        match event["says"]:
            case "server":
                self._take_server(bool(event["is_there"]), bool(event["is_known"]))
            case "devices":
                self.devices.set(names_in(event["speakers"]), names_in(event["microphones"]))
            case "opened":
                (self.device_opened if event["what"] == "speaker" else self.microphone_opened).emit(
                    event["name"]
                )
            case "failed":
                self._take_failed(str(event["what"]), decode_error(event))
            case "flash":
                self.flashed.emit()
            case "calibrated":
                self._calibrates = False
                self.calibrated.emit(event["heard"])

    def _take_server(self, is_there: bool, is_known: bool) -> None:
        """Note whether a sound server, where needed, is there, and whether its return would be noticed."""
        if not is_there:
            if self._had_server:
                self._expect_return()
            return
        self._had_server = is_known
        if self._lost_timer is not None:
            self._lost_timer.cancel()
            self._lost_timer = None
        if self._is_lost:
            self._is_lost = False
            self.server_returned.emit()

    def _take_failed(self, what: str, error: AppError) -> None:
        if what == "calibration":
            self.calibration_failed.emit(error)
        elif not self._is_of_the_loss(error):
            (self.device_failed if what == "speaker" else self.microphone_failed).emit(error)

    def _is_of_the_loss(self, error: AppError) -> bool:
        """Whether ``error`` repeats what ``SoundServerLostError`` reports, or is about to report."""
        return isinstance(error, DeviceError) and (self._is_lost or self._lost_timer is not None)
