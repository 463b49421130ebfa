"""A sound file, opened: the one place where one is opened, and what FFmpeg reads its bytes by.

FFmpeg is handed bytes, never a path: nothing but this file can be reached, whatever its content asks for.
"""

import math
import os
import threading
import time
from pathlib import Path

from atlas_desktop.errors import EmptyAudioError, NotAFileError, UnreadableAudioError
from atlas_desktop.files import open_regular

_LONGEST_ENDING = 8


class SoundBytes:
    """An open file as FFmpeg reads it. One thread at a time.

    ``read`` and ``seek`` never raise: an exception in FFmpeg's callback would come up somewhere else. A drive
    that was pulled, a stop and a limit that was reached are the file's end, and are kept to be asked for.

    Attributes:
        name: What FFmpeg guesses the format by, where content does not show it: the ending alone.
        failure: The error of the system that ended it, else ``None``.
        exceeded: Whether a limit ended it.
    """

    def __init__(self, path: Path, stop: threading.Event | None = None) -> None:
        """Open ``path``.

        Args:
            path: Where it lies.
            stop: Set by any thread, it ends whatever reads the file, soon.

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
        self._position = self._start = 0
        self._until_cpu_s = self._whole_until_cpu_s = math.inf
        self.failure: OSError | None = None
        self.exceeded = False
        ending = path.suffix[1:]
        fits = ending.isascii() and ending.isalnum() and len(ending) <= _LONGEST_ENDING
        self.name = f"sound.{ending.lower()}" if fits else "sound"

    @property
    def stopped(self) -> bool:
        """Whether nothing more is wanted of it."""
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
        """Allow so much of this thread's time until something is heard; ``None``: any."""
        self._until_cpu_s = math.inf if cpu_s is None else time.thread_time() + cpu_s
        self.exceeded = time.thread_time() > self._whole_until_cpu_s

    def limit_at(self, cpu_s: float) -> None:
        """The same as a moment of this thread's own clock."""
        self._until_cpu_s = cpu_s
        self.exceeded = False

    def limit_whole(self, cpu_s: float | None) -> None:
        """Allow so much of this thread's time for all that is done from now on; ``None``: any."""
        self._whole_until_cpu_s = math.inf if cpu_s is None else time.thread_time() + cpu_s
        self.exceeded = False

    def is_over(self) -> bool:
        """Whether reading must end here: it was stopped, or a limit is reached."""
        if time.thread_time() > min(self._until_cpu_s, self._whole_until_cpu_s):
            self.exceeded = True
        return self.exceeded or self._stop.is_set()

    @property
    def start(self) -> int:
        """Where in the file begins what is read of it; places count from there."""
        return self._start

    def begin_at(self, start: int) -> None:
        """From now on only what lies behind ``start`` is there."""
        self._start, self._position = start, 0

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes; none at the end."""
        if self.is_over():
            return b""
        try:
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
        """Close the file."""
        self._file.close()
