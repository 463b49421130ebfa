"""The sound process, as the window has it: started, watched, started again when it dies, and told what to do.

It may die at any moment, and does when the computer's sound server goes: Qt's client library for PulseAudio
then aborts the process that it is in (6.11). What was chosen, set and opened is said to the next one, too.
"""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.orders import error_in, frame_of, line_of
from atlas_desktop.child import Child
from atlas_desktop.errors import AppError, ChildError, DeviceError, SoundServerLostError
from atlas_desktop.media.shared_ring import RingWriter
from atlas_desktop.sound_client.devices import DeviceLists, names_in
from atlas_desktop.sound_client.memory import AVATAR, MAIN, MICROPHONE, PROCESS, SPEAKER, SoundMemory
from atlas_desktop.sound_client.playout import Order, PlayoutClient
from atlas_desktop.sound_client.sound_counters import SoundCounters

log = logging.getLogger(__name__)

ROLE = "sound"
_LOOK_EVERY_S = 0.5
_STOPPED_S = 3.0
"""A process that shows no sign of life for so long is stopped, or its interpreter is held."""
_BLOCKED_S = 8.0
"""So long the sound server may keep one of its threads waiting: it may come to itself, and the sound too."""
_DELAYS_S = (0.0, 0.0, 0.1, 0.2, 0.4, 0.8)
_LONGEST_DELAY_S = 15.0
_FEW, _MANY = 2, 20
_LIVED_S = 10.0
_LOST_S = 1.2
"""Without sound for so long, the user is told."""


@dataclass(slots=True)
class _Deaths:
    """How often the process died soon after its start; the next one waits the longer."""

    count: int = 0

    def delay_s(self, lived_s: float) -> float:
        """How long to wait before the next start."""
        self.count = 1 if lived_s > _LIVED_S else self.count + 1
        if self.count > _MANY:
            return _LONGEST_DELAY_S
        return _DELAYS_S[min(self.count, len(_DELAYS_S)) - 1]


class SoundClient(QObject):
    """Speaker and microphone of this computer, in a process of their own.

    Thread: main, where nothing else is said; a loop of asyncio runs.

    Signals:
        device_failed(AppError): No speaker, no sound server, or it broke; said once until one works again.
        device_opened(str): Sound goes to the speaker of this name.
        microphone_failed(AppError): The same for the microphone.
        microphone_opened(str): The microphone of this name is heard.
        server_returned(): What ``SoundServerLostError`` said holds no longer.
        flashed(), calibrated(Heard as a dict or None), calibration_failed(AppError): Of a calibration.

    Attributes:
        memory: What both processes see.
        sink: Takes the avatar's sound; one thread at a time.
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
        self._deaths = _Deaths()
        self._is_lost = self._had_server = False
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The sound process that runs."""
        return self._process.pid if self._process is not None else None

    @property
    def counters(self) -> SoundCounters:
        """What the sound thread has seen. Thread: any."""
        return self.memory.counters

    def start(self) -> None:
        """Starts the process, and keeps one running."""
        self._scope.start(self._keep_running(), "process")

    async def aclose(self) -> None:
        """Ends the process."""
        await self._scope.aclose()
        if self._alarm is not None:
            self._alarm.cancel()
        process, self._process = self._process, None
        if process is not None:
            await process.aclose()
        self.sink.close()
        self.memory.shared.close()

    def choose_speaker(self, key: str) -> None:
        """Plays on the speaker of this ``DeviceName.key`` whenever it is there; on the default when empty."""
        self._choose("speaker", key)

    def choose_microphone(self, key: str) -> None:
        """Listens to this microphone whenever it is there; to the default when empty."""
        self._choose("microphone", key)

    def open_microphone(self, port: int) -> None:
        """Opens the microphone: what it hears is in ``memory.captured``, of which word goes to ``port``."""
        self._microphone = {"do": "open_microphone", "port": port}
        self._send(self._microphone)

    def close_microphone(self) -> None:
        """Closes the microphone."""
        self._microphone = None
        self._send({"do": "close_microphone"})

    def calibrate(self, speaker_ms: float, *, listens: bool) -> None:
        """Begins a calibration, which answers by signals until ``stop_calibration``."""
        if self._process is None:
            self.calibration_failed.emit(SoundServerLostError())
            return
        self._calibrates = True
        self._send({"do": "calibrate", "speaker_ms": speaker_ms, "listens": listens})

    def move_flash(self, speaker_ms: float) -> None:
        """The calibration flashes so late from now on."""
        self._send({"do": "move_flash", "speaker_ms": speaker_ms})

    def stop_calibration(self) -> None:
        """Ends the calibration that runs."""
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
            # It may have died just now: the next one is told all.
            with suppress(ChildError):
                process.send(line_of(order))

    async def _keep_running(self) -> None:
        while True:
            started_s = time.monotonic()
            try:
                await self._run_once()
            except ChildError as error:
                log.info("the sound process did not start: %s", error)
            self._lose()
            await asyncio.sleep(self._deaths.delay_s(time.monotonic() - started_s))

    async def _run_once(self) -> None:
        """Runs a process until it has ended."""
        for whose in (PROCESS, SPEAKER, MICROPHONE, MAIN):
            self.memory.sign_off(whose)
        shared = self.memory.shared
        # What there was to be connected with is waited for: without it the process would have to start again.
        words = ["--wait"] if self._had_server else []
        process = await Child.start(ROLE, *words, shared.name, inherited=shared.inherited)
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        process.listen(self._take, ended.set_result)
        self._process = process
        self.sink.wakes = int(process.first_line["port"])
        self._say_all()
        try:
            while not ended.done():
                await asyncio.wait({ended}, timeout=_LOOK_EVERY_S)
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
        log.info("the sound process shows no life: stopped %.1f s, blocked %.1f s", silent_s, blocked_s)
        return True

    def _say_all(self) -> None:
        for order in self.playout.replay():
            self._send(order)
        for what in self._chosen:
            self._send(self._choice(what))
        if self._microphone is not None:
            self._send(self._microphone)

    def _lose(self) -> None:
        """The process has ended, and what it had."""
        self.devices.take((), ())
        if self._calibrates:
            self._calibrates = False
            self.calibration_failed.emit(SoundServerLostError())
        if self._had_server or self._deaths.count > _FEW:
            self._expect_return()

    def _expect_return(self) -> None:
        if self._alarm is None and not self._is_lost:
            self._alarm = asyncio.get_running_loop().call_later(_LOST_S, self._say_lost)

    def _say_lost(self) -> None:
        self._alarm = None
        self._is_lost = True
        self.device_failed.emit(SoundServerLostError())

    def _take(self, line: bytes) -> None:
        """Something that the process says."""
        try:
            word = frame_of(line)
        except ValueError:
            log.info("the sound process says %r", line[:80])
            return
        match word["says"]:
            case "server":
                self._take_server(bool(word["is_there"]), bool(word["is_known"]))
            case "devices":
                self.devices.take(names_in(word["speakers"]), names_in(word["microphones"]))
            case "opened":
                (self.device_opened if word["what"] == "speaker" else self.microphone_opened).emit(
                    word["name"]
                )
            case "failed":
                self._take_failed(str(word["what"]), error_in(word))
            case "flash":
                self.flashed.emit()
            case "calibrated":
                self._calibrates = False
                self.calibrated.emit(word["heard"])

    def _take_server(self, is_there: bool, is_known: bool) -> None:
        """Whether there is a sound server, or none is needed, and whether its return would be seen."""
        if not is_there:
            if self._had_server:
                self._expect_return()
            return
        self._had_server = is_known
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._is_lost:
            self._is_lost = False
            self.server_returned.emit()

    def _take_failed(self, what: str, error: AppError) -> None:
        if what == "calibration":
            self.calibration_failed.emit(error)
        elif not self._is_of_the_loss(error):
            (self.device_failed if what == "speaker" else self.microphone_failed).emit(error)

    def _is_of_the_loss(self, error: AppError) -> bool:
        """Whether it says again what ``SoundServerLostError`` says, or is about to say."""
        return isinstance(error, DeviceError) and (self._is_lost or self._alarm is not None)
