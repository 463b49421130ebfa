"""A launch looks for a window of its profile, and hands its files over; launches at once do so in turn."""

import json
import time
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QLockFile

from atlas_desktop.instance.doors import knock
from atlas_desktop.instance.places import IN_PROFILE, address_to_serve
from atlas_desktop.private_files import FILE_MODE

_WAIT_MS = 1_000
_LONGEST_S = 5.0
_LAUNCH_LIMIT_S = 20.0
_LOOK_EVERY_S = 0.02
TAKEN = b"ok\n"
BUSY = b"busy\n"


class ProfileBusyError(Exception):
    """What runs on the profile takes no files: a test call."""


class LaunchLock:
    """Held from the look for a window until one can be met: of launches at once, one opens it.

    It is gone with its process. Where there is no place for it, launches at once may open a window each.
    """

    def __init__(self, profile: Path) -> None:
        place = next(address_to_serve(profile), profile / IN_PROFILE)
        self._lock = QLockFile(f"{place}.lock")
        # A start may be slow; a process that is gone is known by its number.
        self._lock.setStaleLockTime(0)

    def acquire(self, limit_s: float = _LAUNCH_LIMIT_S) -> bool:
        """Waits while another launch is under way; False when it takes too long, or nothing can be locked."""
        until_s = time.monotonic() + limit_s
        while not self._lock.tryLock(0):
            held = self._lock.error() is QLockFile.LockError.LockFailedError
            if not held or time.monotonic() > until_s:
                return False
            time.sleep(_LOOK_EVERY_S)
        # Qt leaves that to the umask.
        with suppress(OSError):
            Path(self._lock.fileName()).chmod(FILE_MODE)
        return True

    def release(self) -> None:
        """Lets the next launch look."""
        if self._lock.isLocked():
            self._lock.unlock()


def hand_over(profile: Path, paths: list[str]) -> bool:
    """Gives ``paths`` to the window that runs on ``profile``. False when there is none, or it is frozen.

    Raises:
        ProfileBusyError: A test call runs there.
    """
    socket = knock(profile)
    if socket is None:
        return False
    socket.write(json.dumps(paths).encode() + b"\n")
    until_s = time.monotonic() + _LONGEST_S
    while socket.bytesToWrite() and socket.waitForBytesWritten(_WAIT_MS):
        if time.monotonic() > until_s:
            return False
    # The answer may have come while the rest was written: then there is nothing more to wait for.
    answered = socket.canReadLine() or socket.waitForReadyRead(_WAIT_MS)
    answer = bytes(socket.readLine().data()) if answered else b""
    socket.disconnectFromServer()
    if answer == BUSY:
        raise ProfileBusyError
    return answer == TAKEN


def is_in_use(profile: Path) -> bool:
    """Whether a window or a test call runs on ``profile``, frozen or not."""
    return knock(profile) is not None
