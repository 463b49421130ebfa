"""Watches a thread that must never wait: names the stack of every callback that kept it from its event loop.

A watcher thread looks at the watched one every few milliseconds and adds up, for each call of the program's
code on it, two times that a busy machine does not lengthen:

- *blocked*: it slept in a system call of its own (``/proc/self/task/…/syscall``): a disk, a socket, a
  process, a lock. Waiting for a processor is no system call. Waiting for Python's interpreter is one, but
  always at an address inside ``_PyRuntime``: that is left out;
- *busy*: the processor time of the thread itself, against what a known piece of work takes here and now.
  Only for what the event loop calls: a test may well build a whole window in one go.

A call begins where the event loop, or a test, enters the program's code, and ends where it returns: asyncio's
are numbered, Qt's are told apart by their frames. Where the watcher itself was kept waiting it does not know
whether Qt has made one call meanwhile or several, and counts nothing. Importing modules is not counted: every
program does so once, and the first test that needs them for all others. Nor is the wait for a thread or a
process that was just started: a busy machine has no processor for that, either.
"""

import asyncio
import ctypes
import os
import platform
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import atlas_desktop

LIMIT_S = 0.1
_EVERY_S = 0.005
_BLIND_S = 0.025
_PROGRAM = str(Path(atlas_desktop.__file__).parent) + os.sep
# The last frame of an event loop, or of the test runner, before the program's own.
_LOOPS = ("/qasync/", "/asyncio/base_events.py", "/asyncio/events.py", "/asyncio/runners.py")
_NUMBERED = "/asyncio/events.py"
_RUNNERS = ("/pytestqt/", "/_pytest/", "/pluggy/")
# Below these all of the program happens.
_ENTRIES = ("__main__.py", "app.py", "qtloop.py", "check/command.py")
_IMPORTING = "<frozen importlib._bootstrap"
_STARTING = (("/threading.py", "start"), ("/subprocess.py", "_execute_child"))
_FUTEX = "202" if platform.machine() == "x86_64" else "98"
_WITH_SYMBOL, _SIZE_OF_SYMBOL = 1, 16
_WORK, _WORK_S = 30_000, 0.0011


@dataclass(frozen=True)
class Stall:
    """One callback that took too long, with the stack of the moment in which that was found out."""

    kind: str
    seconds: float
    stack: str

    def __str__(self) -> str:
        return f"the window's thread was {self.kind} for {self.seconds * 1000:.0f} ms:\n{self.stack}"


@dataclass(frozen=True)
class _Call:
    """A call of the program's code, told from the next one by asyncio's number and by its frame."""

    number: int
    frame_id: int
    is_callback: bool
    is_numbered: bool


class StallWatch:
    """Watches the thread that makes it, until it is stopped.

    Args:
        on_stall: Called in the watcher thread, once for each call that took too long.
        counts_work: Whether computing counts as well as waiting.
    """

    def __init__(self, on_stall: Callable[[Stall], None], *, counts_work: bool = True) -> None:
        self._on_stall = on_stall
        self._counts_work = counts_work
        self._ident = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._ident)
        self._syscall = f"/proc/self/task/{threading.get_native_id()}/syscall"
        self._runtime = _runtime()
        self._callbacks = 0
        self._count_callbacks()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stall-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._uncount()

    def _count_callbacks(self) -> None:
        plain = asyncio.Handle._run

        def run(handle: asyncio.Handle) -> None:
            if threading.get_ident() == self._ident:
                self._callbacks += 1
            plain(handle)

        setattr(asyncio.Handle, "_run", run)  # noqa: B010 - there is no public place to count them
        self._uncount: Callable[[], None] = lambda: setattr(asyncio.Handle, "_run", plain)

    def _run(self) -> None:
        call: _Call | None = None
        blocked_s = busy_s = 0.0
        looked_s, worked_s = time.monotonic(), time.clock_gettime(self._clock)
        while not self._stopped.wait(_EVERY_S):
            before, before_s, worked_before_s = call, looked_s, worked_s
            is_blocked = self._is_blocked()
            stack = _Stack(sys._current_frames().get(self._ident), self._callbacks)
            call = stack.call
            looked_s, worked_s = time.monotonic(), time.clock_gettime(self._clock)
            is_blind = looked_s - before_s > _BLIND_S and (call is None or not call.is_numbered)
            if call is None or call != before or is_blind:
                blocked_s = busy_s = 0.0
                del stack
                continue
            if stack.is_importing:
                del stack
                continue
            blocked_s += looked_s - before_s if is_blocked and not stack.is_starting else 0.0
            busy_s += worked_s - worked_before_s if call.is_callback and self._counts_work else 0.0
            if blocked_s > LIMIT_S:
                self._on_stall(Stall("blocked", blocked_s, stack.text))
                blocked_s = -1e9
            if busy_s > LIMIT_S and busy_s > LIMIT_S * _slowness():
                self._on_stall(Stall("busy", busy_s, stack.text))
                busy_s = -1e9
            del stack

    def _is_blocked(self) -> bool:
        try:
            words = Path(self._syscall).read_text().split()
        except OSError:
            return False
        if words[0] in ("running", "-1"):
            return False
        return not (words[0] == _FUTEX and int(words[1], 16) in self._runtime)


def run_in_thread(work: Callable[[], object]) -> None:
    """Run a test's own preparation in a thread: a slow disk there is no stall of the window."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


class _Stack:
    """What the watched thread is doing. Not kept beyond the next look: frames keep alive what is in them."""

    def __init__(self, frame: FrameType | None, number: int) -> None:
        self.call: _Call | None = None
        self.is_importing = self.is_starting = False
        self._frame = frame
        outermost: FrameType | None = None
        at = frame
        while at is not None:
            file = at.f_code.co_filename
            is_loop = any(part in file for part in _LOOPS)
            if is_loop or any(part in file for part in _RUNNERS):
                break
            self.is_importing = self.is_importing or file.startswith(_IMPORTING)
            self.is_starting = self.is_starting or _is_start(file, at.f_code.co_name)
            if file.startswith(_PROGRAM) and not file.endswith(_ENTRIES):
                outermost = at
            at = at.f_back
        if outermost is not None:
            is_callback = at is not None and any(part in at.f_code.co_filename for part in _LOOPS)
            is_numbered = at is not None and at.f_code.co_filename.endswith(_NUMBERED)
            self.call = _Call(number, id(outermost), is_callback, is_numbered)

    @property
    def text(self) -> str:
        return "".join(traceback.format_stack(self._frame)[-12:])


def _is_start(file: str, function: str) -> bool:
    return any(file.endswith(where) and function == what for where, what in _STARTING)


def _runtime() -> range:
    """Where ``_PyRuntime`` lies, in which the interpreter's own lock is."""
    place = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
    information, symbol = (ctypes.c_void_p * 4)(), ctypes.c_void_p()
    found = ctypes.CDLL(None).dladdr1(
        ctypes.c_void_p(place), ctypes.byref(information), ctypes.byref(symbol), _WITH_SYMBOL
    )
    assert found
    assert symbol.value
    size = ctypes.c_uint64.from_address(symbol.value + _SIZE_OF_SYMBOL).value
    return range(place, place + size)


def _slowness() -> float:
    """How much longer a known piece of work takes here and now than where the limit was set."""
    began_s = time.thread_time()
    total = 0
    for number in range(_WORK):
        total += number
    return max(1.0, (time.thread_time() - began_s) / _WORK_S)
