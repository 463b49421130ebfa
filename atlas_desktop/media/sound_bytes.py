"""The bytes of an open sound file, as FFmpeg reads them; the one place where a sound file is opened.

FFmpeg is handed bytes, never a path: whatever the content asks for, no other file can be reached.
"""

import copy
import math
import os
import threading
import time
from pathlib import Path

from atlas_desktop.errors import EmptyAudioError, NotAFileError, UnreadableAudioError
from atlas_desktop.files import open_regular

_LONGEST_ENDING = 8


class SoundBytes:
    """An open file with a place of its own and limits. One thread at a time.

    ``read`` and ``seek`` never raise: an exception in FFmpeg's callback would surface somewhere else. A drive
    that was pulled, a stop and an exceeded limit are the end of the file, and are recorded.

    Attributes:
        name: What FFmpeg guesses the format by where content does not show it: the ending alone.
        failure: The system's error that ended it, else ``None``.
        exceeded: Whether a limit ended it.
    """

    def __init__(self, path: Path, stop: threading.Event | None = None) -> None:
        """Open ``path``.

        Args:
            path: Where it lies.
            stop: Set by any thread to end all reading soon.

        Raises:
            EmptyAudioError: It has no bytes.
            UnreadableAudioError: It is a folder, a pipe or a device.
            MediaError: It is not there, may not be read, or its disk fails.
        """
        self._stop = stop or threading.Event()
        try:
            self._file = open_regular(path)
        except NotAFileError as error:
            raise UnreadableAudioError(name=path.name, detail=error.params["detail"]) from error
        self._size_bytes = self._file.size_bytes
        if self._size_bytes == 0:
            self._file.close()
            raise EmptyAudioError(name=path.name)
        ending = path.suffix[1:]
        fits = ending.isascii() and ending.isalnum() and len(ending) <= _LONGEST_ENDING
        self.name = f"sound.{ending.lower()}" if fits else "sound"
        self._owns_file = True
        self._reading = threading.Lock()  # duplicates share the file's own place
        self._reset()

    def duplicate(self) -> "SoundBytes":
        """Return the same open file with another place and limits, to be used in one other thread."""
        other = copy.copy(self)
        other._owns_file = False
        other._reset()
        return other

    def _reset(self) -> None:
        self._position = self._start = 0
        self._until_cpu_s = self._whole_until_cpu_s = math.inf
        self.failure: OSError | None = None
        self.exceeded = False

    @property
    def stopped(self) -> bool:
        """Whether reading was stopped."""
        return self._stop.is_set()

    @property
    def cut_short(self) -> bool:
        """Whether it is shorter than when it was opened, or can't be read any more."""
        if self.failure is not None:
            return True
        try:
            return self._file.size_bytes < self._size_bytes
        except OSError:
            return True

    @property
    def size_bytes(self) -> int:
        """Its size when it was opened."""
        return self._size_bytes

    def limit(self, cpu_s: float | None) -> None:
        """Allow so much CPU time of this thread until sound comes; ``None``: any."""
        self._until_cpu_s = math.inf if cpu_s is None else time.thread_time() + cpu_s
        self.exceeded = time.thread_time() > self._whole_until_cpu_s

    def limit_at(self, cpu_s: float) -> None:
        """Allow reading until that moment of this thread's CPU clock."""
        self._until_cpu_s = cpu_s
        self.exceeded = False

    def limit_whole(self, cpu_s: float | None) -> None:
        """Allow so much CPU time of this thread for everything from now on; ``None``: any."""
        self._whole_until_cpu_s = math.inf if cpu_s is None else time.thread_time() + cpu_s
        self.exceeded = False

    def is_over(self) -> bool:
        """Return whether reading must end: it was stopped, or a limit is exceeded."""
        if time.thread_time() > min(self._until_cpu_s, self._whole_until_cpu_s):
            self.exceeded = True
        return self.exceeded or self._stop.is_set()

    @property
    def start(self) -> int:
        """Where in the file the part that is read begins; places count from there."""
        return self._start

    def begin_at(self, start: int) -> None:
        """Read only what lies behind ``start`` from now on."""
        self._start, self._position = start, 0

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes; none at the end."""
        if self.is_over():
            return b""
        try:
            with self._reading:
                self._file.seek(self._start + self._position)
                content = self._file.read(count)
        except OSError as error:
            self.failure = error
            return b""
        self._position += len(content)
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place; -1 where there is none."""
        end = self._size_bytes - self._start
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: end}.get(whence)
        if origin is None or origin + offset < 0:
            return -1
        self._position = origin + offset
        return self._position

    def tell(self) -> int:
        """Return the place."""
        return self._position

    def release(self) -> None:
        """Close the file, unless it is another one's."""
        if self._owns_file:
            self._file.close()
