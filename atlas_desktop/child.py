"""Starting processes of ours: the one way to do it, and the one way in which they end.

A child is this same program in another role. End-of-file on its standard input tells it to end, so it ends
with us however we end; secrets travel over its pipes only, never in its argument list or environment.
"""

import asyncio
import logging
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Self

from atlas_desktop.aio import guarded
from atlas_desktop.descriptors import read_lines, write_all
from atlas_desktop.errors import ChildError
from atlas_desktop.lenient_json import parse_or_none
from atlas_desktop.options import CHILD_FLAG
from atlas_desktop.proxies import child_environment

log = logging.getLogger(__name__)

START_LIMIT_S = 20.0
END_LIMIT_S = 2.0
_KILL_LIMIT_S = 5.0
_LAST_WRITE_S = 1.0
_STDERR_LIMIT_S = 1.0
"""A process that inherited the child's standard error may keep it open."""
_KEPT_STDERR_LINES = 20
_LONGEST_LOGGED_BYTES = 2000
_ONLINE = ("guard", "local")
"""Roles that use the network: Atlas is called, faces are fetched."""
_OWN_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)

LineCallback = Callable[[bytes], None]
ExitCallback = Callable[[int], None]


def command(role: str, *arguments: str) -> list[str]:
    """Return the argument list that starts this program in ``role``, in a checkout and when frozen."""
    frozen = getattr(sys, "frozen", False)
    # -P: no modules from the current folder, which may be a download or a shared folder.
    program = [sys.executable] if frozen else [sys.executable, "-P", "-m", "atlas_desktop"]
    return [*program, role, CHILD_FLAG, *arguments]


class Child:
    """A running process of ours that has printed its first line.

    Its pipes are served by daemon threads: a full pipe never blocks the loop, closing the loop neither kills
    the process nor logs anything, and it works under every loop on every platform. ``asyncio``'s own
    subprocess is killed with its transport. Thread: one event loop; ``send`` any.

    Attributes:
        first_line: The JSON object that it printed first.
    """

    def __init__(self, role: str, process: "subprocess.Popen[bytes]") -> None:
        self.role = role
        self.first_line: dict[str, Any] = {}
        self._on_line: LineCallback | None = None
        self._on_exit: ExitCallback | None = None
        self._unread: list[bytes] = []
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._first: asyncio.Future[bytes] = self._loop.create_future()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._written: asyncio.Future[None] = self._loop.create_future()
        self._released = False
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._stderr_lines: deque[str] = deque(maxlen=_KEPT_STDERR_LINES)
        self._stderr_thread = self._start_thread("err", self._log_stderr)
        self._start_thread("in", self._write)
        self._start_thread("out", self._read)

    @classmethod
    async def start(cls, role: str, *arguments: str, inherited: tuple[int, ...] = ()) -> Self:
        """Spawn ``role`` and wait for its first line.

        Args:
            role: The first argument of the command line.
            arguments: Its own arguments.
            inherited: Descriptors that it shares with us, under the same numbers; POSIX only.

        Raises:
            ChildError: It could not be spawned, died, or printed no JSON object within 20 s.
        """
        child = cls(role, _spawn(role, *arguments, inherited=inherited))
        try:
            child.first_line = child._parse_first(await child._wait_first())
        except BaseException:
            await child.aclose()
            raise
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None and not self._ended.done()

    def send(self, data: bytes) -> None:
        """Queue ``data`` for its standard input, in order; returns at once.

        Raises:
            ChildError: It has ended, or was released.
        """
        if self._released or not self.running:
            raise ChildError(role=self.role, detail="it has ended")
        self._outbox.put(data)

    def listen(self, on_line: LineCallback | None = None, on_exit: ExitCallback | None = None) -> None:
        """Subscribe to its output from the second line on; lines and an exit before this call are not lost.

        Args:
            on_line: Called on the loop with each line, without its end.
            on_exit: Called once, on the loop, with the exit status, unless ``release`` or ``aclose`` came
                first.
        """
        self._on_line, self._on_exit = on_line, on_exit
        for line in self._unread:
            self._loop.call_soon(self._notify_line, line)
        self._unread.clear()
        if self._ended.done():
            self._loop.call_soon(self._notify_exit)

    def kill(self) -> None:
        """Kill it; ``on_exit`` is still called."""
        self._process.kill()

    async def release(self) -> None:
        """Close its standard input after what was sent, and leave it to end in its own time."""
        if not self._released:
            self._released = True
            self._outbox.put(None)
        await asyncio.wait({self._written}, timeout=_LAST_WRITE_S)

    async def aclose(self) -> None:
        """End it: by end-of-file first, killed after two seconds."""
        await self.release()
        await asyncio.wait({self._ended}, timeout=END_LIMIT_S)
        if not self._ended.done():
            log.info("child %s did not end by itself", self.role)
            self.kill()
            await asyncio.wait({self._ended}, timeout=_KILL_LIMIT_S)

    def _start_thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        body = guarded(f"{self.role}.{name}")(work)
        # A daemon: a process that was released must not delay our exit.
        thread = threading.Thread(target=body, name=f"{self.role}.{name}", daemon=True)
        thread.start()
        return thread

    async def _wait_first(self) -> bytes:
        waits: set[asyncio.Future[Any]] = {self._first, self._ended}
        await asyncio.wait(waits, timeout=START_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        if self._first.done():
            return self._first.result()
        detail = "it ended at once" if self._ended.done() else "no answer in time"
        raise ChildError(role=self.role, detail=self._stderr_lines[-1] if self._stderr_lines else detail)

    def _parse_first(self, line: bytes) -> dict[str, Any]:
        first = parse_or_none(line)
        if not isinstance(first, dict):
            raise ChildError(role=self.role, detail=f"unexpected first line: {line[:80]!r}")
        return first

    def _take_line(self, line: bytes) -> None:
        if not self._first.done():
            self._first.set_result(line)
        elif self._on_line is None:
            self._unread.append(line)
        else:
            self._notify_line(line)

    def _notify_line(self, line: bytes) -> None:
        if self._on_line is not None and not self._released:
            self._on_line(line)

    def _take_exit(self, status: int) -> None:
        log.info("child %s ended with status %s", self.role, status)
        self._ended.set_result(status)
        self._notify_exit()

    def _notify_exit(self) -> None:
        if self._on_exit is not None and not self._released:
            self._on_exit(self._ended.result())

    # In the threads

    def _write(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError), self._process.stdin as pipe:
            while (data := self._outbox.get()) is not None:
                write_all(pipe.fileno(), data)
        self._post(partial(self._settle, self._written))

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in read_lines(self._process.stdout.fileno()):
            self._post(partial(self._take_line, line))
        status = self._process.wait()
        self._process.stdout.close()
        self._outbox.put(None)
        # Its last lines on standard error explain its end.
        self._stderr_thread.join(_STDERR_LIMIT_S)
        self._post(partial(self._take_exit, status))

    def _log_stderr(self) -> None:
        assert self._process.stderr is not None
        for raw in read_lines(self._process.stderr.fileno()):
            line = raw[:_LONGEST_LOGGED_BYTES].decode(errors="replace").rstrip()
            if line:
                self._stderr_lines.append(line)
                log.info("%s: %s", self.role, line)
        self._process.stderr.close()

    def _post(self, call: Callable[[], None]) -> None:
        # After the loop was closed the pipes are still read, or the process would block.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)

    @staticmethod
    def _settle(done: "asyncio.Future[None]") -> None:
        if not done.done():
            done.set_result(None)


def _spawn(role: str, *arguments: str, inherited: tuple[int, ...] = ()) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            command(role, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(online=role in _ONLINE),
            bufsize=0,
            pass_fds=inherited,
            # The terminal's Ctrl-C and hang-up are for the program, which then ends its children.
            start_new_session=True,
            creationflags=_OWN_GROUP,
        )
    except OSError as error:
        raise ChildError(role=role, detail=error.strerror or str(error)) from error
