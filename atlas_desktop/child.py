"""Starting our own processes: the one way, and the one way in which they end.

A child is this same program in another role. It ends at end-of-file on its standard input, so it
dies with us however we die; secrets travel over its pipes only, never in its argument list or environment.
A companion ends at end-of-file, too, but takes its time: it may outlive us.
"""

import asyncio
import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Self

from atlas_desktop.aio import TaskScope, guarded
from atlas_desktop.errors import ChildError
from atlas_desktop.options import CHILD_FLAG
from atlas_desktop.proxies import child_environment

log = logging.getLogger(__name__)

START_LIMIT_S = 20.0
END_LIMIT_S = 2.0
_LAST_WORDS_LINES = 20
_LAST_WRITE_S = 1.0
_LAST_WORDS_S = 1.0
_LONGEST_LOGGED_BYTES = 2000
_READ_BYTES = 65536
_ONLINE = ("guard", "local")
"""The roles that leave this computer: Atlas is asked, and faces are fetched."""
_OWN_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)


def command(role: str, *arguments: str) -> list[str]:
    """The argument list that starts this program in ``role`` as a child, in a checkout and when frozen."""
    frozen = getattr(sys, "frozen", False)
    # Not from the current folder, where a stranger's modules may lie: a download, a shared folder.
    program = [sys.executable] if frozen else [sys.executable, "-P", "-m", "atlas_desktop"]
    return [*program, role, CHILD_FLAG, *arguments]


LineCallback = Callable[[bytes], None]
ExitCallback = Callable[[int], None]


class Child:
    """A running process of ours that has said its first line.

    Attributes:
        first_line: The JSON object that the child printed first.
        on_exit: Called when it ends unasked.
    """

    def __init__(self, role: str, process: asyncio.subprocess.Process) -> None:
        self.role = role
        self.first_line: dict[str, Any] = {}
        self.on_exit: Callable[[], None] | None = None
        self._process = process
        self._ending = False
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS_LINES)
        self._scope = TaskScope(f"child.{role}")

    @classmethod
    async def start(cls, role: str, *arguments: str) -> Self:
        """Starts ``role`` and waits for its first line.

        Raises:
            ChildError: It could not be started, died, or said nothing sensible within 20 s.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command(role, *arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=child_environment(online=role in _ONLINE),
                # A Ctrl-C at the terminal is for the program, which then ends its child by the pipe.
                start_new_session=True,
            )
        except OSError as error:
            raise ChildError(role=role, detail=error.strerror or str(error)) from error
        child = cls(role, process)
        child._scope.start(child._listen(), "stderr")
        try:
            await child._read_first_line()
        except BaseException:
            await child.aclose()
            raise
        child._scope.start(child._watch(), "watch")
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def aclose(self) -> None:
        """Ends the child: end-of-file first, after two seconds by force."""
        self._ending = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_LIMIT_S)
        except TimeoutError:
            log.warning("child %s did not end by itself", self.role)
            self._process.kill()
            await self._process.wait()
        await self._scope.join(END_LIMIT_S)
        await self._scope.aclose()

    async def _read_first_line(self) -> None:
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_LIMIT_S)
            answer = json.loads(line)
        except (TimeoutError, ValueError) as error:
            if self._process.returncode is None and not isinstance(error, TimeoutError):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), END_LIMIT_S)
            raise ChildError(role=self.role, detail=self._reason(error)) from error
        if not isinstance(answer, dict):
            raise ChildError(role=self.role, detail=f"unexpected first line: {answer!r}")
        self.first_line = answer

    def _reason(self, error: Exception) -> str:
        if self._last_words:
            return self._last_words[-1]
        return "no answer in time" if isinstance(error, TimeoutError) else "it ended at once"

    async def _listen(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        while not stderr.at_eof():
            try:
                raw = await stderr.readline()
            except ValueError:
                continue  # longer than the reader takes: dropped, but read, or the child would block
            line = raw.decode(errors="replace").rstrip()
            if line:
                self._last_words.append(line)
                log.info("%s: %s", self.role, line)

    async def _watch(self) -> None:
        status = await self._process.wait()
        if not self._ending:
            log.warning("child %s ended with status %s", self.role, status)
            if self.on_exit is not None:
                self.on_exit()


class Companion:
    """A running process of ours that we talk with line by line, and that we may leave behind.

    Its pipes are served by threads: a full one never holds up the loop, a loop that is closed neither
    kills the companion nor complains, and it works under every loop on every platform. ``asyncio``'s own
    subprocess is killed with its transport. Thread: one event loop; ``send`` any.

    Attributes:
        first_line: The JSON object that it printed first.
    """

    def __init__(self, role: str, process: "subprocess.Popen[bytes]") -> None:
        self.role = role
        self.first_line: dict[str, Any] = {}
        self._on_line: LineCallback | None = None
        self._on_exit: ExitCallback | None = None
        self._unheard: list[bytes] = []
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._first: asyncio.Future[bytes] = self._loop.create_future()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._written: asyncio.Future[None] = self._loop.create_future()
        self._released = False
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS_LINES)
        self._listener = self._thread("err", self._listen)
        self._thread("in", self._write)
        self._thread("out", self._read)

    @classmethod
    async def start(cls, role: str, *arguments: str, inherited: tuple[int, ...] = ()) -> Self:
        """Starts ``role`` and waits for its first line.

        Args:
            role: What it is.
            arguments: Its own arguments.
            inherited: Descriptors that it shares with us, under the same numbers; POSIX only.

        Raises:
            ChildError: It could not be started, died, or said nothing sensible within 20 s.
        """
        companion = cls(role, _spawned(role, *arguments, inherited=inherited))
        try:
            companion.first_line = companion._understood(await companion._first_answer())
        except BaseException:
            await companion.aclose()
            raise
        return companion

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None and not self._ended.done()

    def send(self, data: bytes) -> None:
        """Hands ``data`` on, in order; returns at once.

        Raises:
            ChildError: It has ended, or was released.
        """
        if self._released or not self.running:
            raise ChildError(role=self.role, detail="it has ended")
        self._outbox.put(data)

    def listen(self, on_line: LineCallback, on_exit: ExitCallback) -> None:
        """Hears what it says, from its second line on: what came before this call is not lost.

        Args:
            on_line: Called on the loop with each line, without its end.
            on_exit: Called once, on the loop, with the exit status, when it ends before ``release``.
        """
        self._on_line, self._on_exit = on_line, on_exit
        for line in self._unheard:
            self._loop.call_soon(self._hear, line)
        self._unheard.clear()
        if self._ended.done():
            self._loop.call_soon(self._hear_end)

    def kill(self) -> None:
        """Ends it by force: that is still heard."""
        self._process.kill()

    async def release(self) -> None:
        """Lets go: what was sent is still written, then it finds the end of file and ends in its own time."""
        if not self._released:
            self._released = True
            self._outbox.put(None)
        await asyncio.wait({self._written}, timeout=_LAST_WRITE_S)

    async def aclose(self) -> None:
        """Ends it: by end-of-file first, after two seconds by force."""
        await self.release()
        await asyncio.wait({self._ended}, timeout=END_LIMIT_S)
        if not self._ended.done():
            self.kill()

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        body = guarded(f"{self.role}.{name}")(work)
        # A daemon: who is left behind must not hold up our own end.
        thread = threading.Thread(target=body, name=f"{self.role}.{name}", daemon=True)
        thread.start()
        return thread

    async def _first_answer(self) -> bytes:
        waits: set[asyncio.Future[Any]] = {self._first, self._ended}
        await asyncio.wait(waits, timeout=START_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        if self._first.done():
            return self._first.result()
        detail = "it ended at once" if self._ended.done() else "no answer in time"
        raise ChildError(role=self.role, detail=self._last_words[-1] if self._last_words else detail)

    def _understood(self, line: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ChildError(role=self.role, detail=f"unexpected first line: {line[:80]!r}")
        return answer

    def _take(self, line: bytes) -> None:
        if not self._first.done():
            self._first.set_result(line)
        elif self._on_line is None:
            self._unheard.append(line)
        else:
            self._hear(line)

    def _hear(self, line: bytes) -> None:
        if self._on_line is not None and not self._released:
            self._on_line(line)

    def _take_end(self, status: int) -> None:
        self._ended.set_result(status)
        self._hear_end()

    def _hear_end(self) -> None:
        if self._on_exit is not None and not self._released:
            self._on_exit(self._ended.result())

    def _write(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError), self._process.stdin as pipe:
            while (data := self._outbox.get()) is not None:
                view = memoryview(data)
                while view:
                    view = view[os.write(pipe.fileno(), view) :]
        self._post(partial(_settle, self._written))

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in _lines(self._process.stdout.fileno()):
            self._post(partial(self._take, line))
        status = self._process.wait()
        self._process.stdout.close()
        self._outbox.put(None)
        # Its last words explain its end; whoever inherited the pipe is not waited for.
        self._listener.join(_LAST_WORDS_S)
        self._post(partial(self._take_end, status))

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for raw in _lines(self._process.stderr.fileno()):
            line = raw[:_LONGEST_LOGGED_BYTES].decode(errors="replace").rstrip()
            if line:
                self._last_words.append(line)
                log.info("%s: %s", self.role, line)
        self._process.stderr.close()

    def _post(self, call: Callable[[], None]) -> None:
        # Without a loop nobody is there to be told; the pipes are read on, or the companion would block.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)


def _spawned(role: str, *arguments: str, inherited: tuple[int, ...] = ()) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            command(role, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(online=role in _ONLINE),
            bufsize=0,
            pass_fds=inherited,
            # Neither the terminal's Ctrl-C nor its hang-up is for it.
            start_new_session=True,
            creationflags=_OWN_GROUP,
        )
    except OSError as error:
        raise ChildError(role=role, detail=error.strerror or str(error)) from error


def _settle(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)


def _lines(descriptor: int) -> Iterator[bytes]:
    """The lines of a pipe until its end. Read without a lock: a thread that waits in one aborts our exit."""
    left = bytearray()
    with suppress(OSError):
        while data := os.read(descriptor, _READ_BYTES):
            left += data
            if b"\n" in data:
                *lines, left = left.split(b"\n")
                yield from map(bytes, lines)
