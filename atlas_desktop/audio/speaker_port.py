"""Opening, losing and reopening the selected speaker."""

import time
from collections.abc import Callable

from PySide6.QtMultimedia import QAudioDevice

from atlas_desktop.audio.device_monitor import device_id
from atlas_desktop.audio.device_streams import OutputStream
from atlas_desktop.audio.server_buffer import ServerBuffer
from atlas_desktop.audio.server_link import is_server_realtime
from atlas_desktop.errors import AppError, DeviceError, DeviceLostError, NoSpeakerError

_REOPEN_S = 1.0
_CHECK_S = 0.25
_STUCK_S = 0.25
"""A card that fetches nothing for so long is reopened."""
MISSED_S = 0.7
"""A sound server that has just started adds its devices one by one; without any for so long, there is
none."""
_BEGINS_WITHIN_S = 2.0
"""How long a card may take to begin: a wireless one wakes up first."""
_AGAIN_S = 3.0
"""A speaker that fails once may have been moved, or its server was busy; again within so long, it is gone."""


class SpeakerPort:
    """Opens the selected speaker, and supervises it. Thread: sound, but for ``select``.

    Attributes:
        output: The open speaker; ``None`` while there is none.
        server: The latency that is requested of the sound server.

    Args:
        on_error: Called once per failure, until a speaker works again.
        on_stuck: Called with the id of a speaker that fetches nothing, or broke.
    """

    def __init__(self, on_error: Callable[[AppError], None], on_stuck: Callable[[bytes], None]) -> None:
        self.output: OutputStream | None = None
        self.server = ServerBuffer()
        self._on_error = on_error
        self._on_stuck = on_stuck
        # Replaced by the main thread. Counted, so that a device that was reconnected is reopened.
        self._selected = (0, QAudioDevice())
        self._opened_for = self._tried_for = 0
        self._tried_s = self._lost_s = self._checked_s = self._missed_s = 0.0
        self._is_failed = False

    def select(self, device: QAudioDevice) -> None:
        """Use ``device`` from now on; none when it is null. Thread: main."""
        self._selected = (self._selected[0] + 1, device)

    @property
    def is_failed(self) -> bool:
        """Whether a failure was reported, and lasts."""
        return self._is_failed

    @property
    def is_outdated(self) -> bool:
        """Whether another speaker is selected than the open one."""
        return self._opened_for != self._selected[0]

    def open(self) -> OutputStream | None:
        """Open the selected speaker; return ``None`` when that fails, or failed a moment ago."""
        (number, device), now_s = self._selected, time.monotonic()
        if device.isNull():
            self._missed_s = self._missed_s or now_s
            if now_s - self._missed_s > MISSED_S:
                self._fail(NoSpeakerError())
            return None
        self._missed_s = 0.0
        if now_s - self._tried_s < _REOPEN_S and self._tried_for == number:
            return None
        self._tried_for = number
        self.server.set_server_realtime(is_server_realtime())
        self.server.prepare_opening(now_s)
        try:
            self.output = OutputStream(device)
        except DeviceError as error:
            self._tried_s = now_s
            was_open = now_s - self._lost_s < _AGAIN_S
            if was_open:
                # Qt still lists it: another one is used until the list changes.
                self._on_stuck(device_id(device))
            self._fail(DeviceLostError(device=device.description()) if was_open else error)
            return None
        self._opened_for, self._is_failed, self._checked_s = number, False, now_s
        return self.output

    def check(self, output: OutputStream) -> None:
        """Close a speaker that is stuck or broken; report it where reopening did not help."""
        now_s = time.monotonic()
        is_stuck = output.idle_s > (_STUCK_S if output.has_begun else _BEGINS_WITHIN_S)
        if not is_stuck and now_s - self._checked_s < _CHECK_S:
            return
        self._checked_s = now_s
        if is_stuck or output.broken:
            is_again = now_s - self._lost_s < _AGAIN_S
            self.close()
            if is_again or not is_stuck:
                self._on_stuck(device_id(self._selected[1]))
            if is_again:
                self._fail(DeviceLostError(device=output.name))
            self._lost_s = time.monotonic()
            # The first retry is immediate, later ones after a pause.
            self._tried_s = now_s if is_again else 0.0

    def close(self) -> None:
        """Close the open speaker."""
        if self.output is not None:
            self.output.close()
            self.output = None

    def _fail(self, error: DeviceError) -> None:
        if not self._is_failed:
            self._is_failed = True
            self._on_error(error)
