"""The second launch: finds the window of its profile and hands its files over; one launch at a time."""

import json
import time
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QLockFile

from atlas_desktop.instance.listeners import connect
from atlas_desktop.instance.socket_paths import IN_PROFILE, paths_to_listen_at
from atlas_desktop.private_files import FILE_MODE

_WAIT_MS = 1_000
_LONGEST_S = 5.0
_LAUNCH_LIMIT_S = 20.0
_LOOK_EVERY_S = 0.02
TAKEN = b"ok\n"
BUSY = b"busy\n"


class ProfileBusyError(Exception):
    """A test call runs on the profile: it accepts no files."""


class LaunchLock:
    """Held from the search for a window until ours listens: of simultaneous launches, one opens the window.

    It is released with its process. Where no private folder exists, simultaneous launches may open a window
    each.
    """

    def __init__(self, profile: Path) -> None:
        place = next(paths_to_listen_at(profile), profile / IN_PROFILE)
        self._lock = QLockFile(f"{place}.lock")
        # No time-out: a start may be slow. A dead owner is recognised by its process id.
        self._lock.setStaleLockTime(0)

    def acquire(self, limit_s: float = _LAUNCH_LIMIT_S) -> bool:
        """Wait for another launch; return False when it takes too long, or locking is impossible."""
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
        """Let the next launch go on."""
        if self._lock.isLocked():
            self._lock.unlock()


def hand_over(profile: Path, paths: list[str]) -> bool:
    """Hand ``paths`` to the window that runs on ``profile``.

    Return False when there is none, or it is frozen.

    Raises:
        ProfileBusyError: A test call runs there.
    """
    socket = connect(profile)
    if socket is None:
        return False
    socket.write(json.dumps(paths).encode() + b"\n")
    until_s = time.monotonic() + _LONGEST_S
    while socket.bytesToWrite() and socket.waitForBytesWritten(_WAIT_MS):
        if time.monotonic() > until_s:
            return False
    # The answer may have arrived during the writing: then there is nothing more to wait for.
    answered = socket.canReadLine() or socket.waitForReadyRead(_WAIT_MS)
    answer = bytes(socket.readLine().data()) if answered else b""
    socket.disconnectFromServer()
    if answer == BUSY:
        raise ProfileBusyError
    return answer == TAKEN


def is_in_use(profile: Path) -> bool:
    """Return whether a window or a test call runs on ``profile``, frozen or not."""
    return connect(profile) is not None
