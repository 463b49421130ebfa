"""The one speaker: which is wanted, and its being opened, lost and opened again."""

import time
from collections.abc import Callable

from PySide6.QtMultimedia import QAudioDevice

from atlas_desktop.audio.devices import device_id
from atlas_desktop.audio.output import Output
from atlas_desktop.audio.server import ServerBuffer
from atlas_desktop.audio.server_link import is_server_realtime
from atlas_desktop.errors import AppError, DeviceError, DeviceLostError, NoSpeakerError

_REOPEN_S = 1.0
_CHECK_S = 0.25
_STUCK_S = 0.25
"""A card that takes nothing for so long is opened anew."""
MISSED_S = 0.7
"""A sound server that has just begun adds its devices by and by; without any for so long, there is none."""
_BEGINS_WITHIN_S = 2.0
"""So long a card may take to begin: one without a wire wakes up first."""
_AGAIN_S = 3.0
"""What is lost once may have been moved, or its server was busy; again within so long, it is gone."""


class SpeakerPort:
    """Opens the wanted speaker when asked, and judges the open one. Thread: sound, but for ``want``.

    Attributes:
        output: The open speaker; ``None`` while there is none.
        server: How much the sound server is asked to keep.

    Args:
        say: Told what is wrong, once until a speaker works again.
        on_stuck: Told of the speaker that takes nothing, or broke.
    """

    def __init__(self, say: Callable[[AppError], None], on_stuck: Callable[[bytes], None]) -> None:
        self.output: Output | None = None
        self.server = ServerBuffer()
        self._say = say
        self._on_stuck = on_stuck
        # Replaced by the main thread. Counted, so that a device that went and came back is opened anew.
        self._wanted = (0, QAudioDevice())
        self._opened_for = self._tried_for = 0
        self._tried_s = self._lost_s = self._checked_s = self._missed_s = 0.0
        self._is_failed = False

    def want(self, device: QAudioDevice) -> None:
        """From now on this one; none when it is null. Thread: main."""
        self._wanted = (self._wanted[0] + 1, device)

    @property
    def is_failed(self) -> bool:
        """Whether what is wrong was said, and holds."""
        return self._is_failed

    @property
    def is_outdated(self) -> bool:
        """Whether another speaker is wanted than the open one."""
        return self._opened_for != self._wanted[0]

    def open(self) -> Output | None:
        """Opens the wanted speaker; ``None`` when it can't be, or could not be a moment ago."""
        (number, device), now_s = self._wanted, time.monotonic()
        if device.isNull():
            self._missed_s = self._missed_s or now_s
            if now_s - self._missed_s > MISSED_S:
                self._fail(NoSpeakerError())
            return None
        self._missed_s = 0.0
        if now_s - self._tried_s < _REOPEN_S and self._tried_for == number:
            return None
        self._tried_for = number
        self.server.is_served(is_server_realtime())
        self.server.opening(now_s)
        try:
            self.output = Output(device)
        except DeviceError as error:
            self._tried_s = now_s
            was_open = now_s - self._lost_s < _AGAIN_S
            if was_open:
                # It still is in Qt's list: another one is used until that changes.
                self._on_stuck(device_id(device))
            self._fail(DeviceLostError(device=device.description()) if was_open else error)
            return None
        self._opened_for, self._is_failed, self._checked_s = number, False, now_s
        return self.output

    def check(self, output: Output) -> None:
        """Closes the speaker that takes nothing, or broke; says so where opening it again is of no use."""
        now_s = time.monotonic()
        is_stuck = output.idle_s > (_STUCK_S if output.has_begun else _BEGINS_WITHIN_S)
        if not is_stuck and now_s - self._checked_s < _CHECK_S:
            return
        self._checked_s = now_s
        if is_stuck or output.broken:
            is_again = now_s - self._lost_s < _AGAIN_S
            self.close()
            if is_again or not is_stuck:
                self._on_stuck(device_id(self._wanted[1]))
            if is_again:
                self._fail(DeviceLostError(device=output.name))
            self._lost_s = time.monotonic()
            # Once at once; then again and again, at leisure.
            self._tried_s = now_s if is_again else 0.0

    def close(self) -> None:
        """Lets go of the open speaker."""
        if self.output is not None:
            self.output.close()
            self.output = None

    def _fail(self, error: DeviceError) -> None:
        if not self._is_failed:
            self._is_failed = True
            self._say(error)
