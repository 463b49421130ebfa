"""The guard's process: ``atlas-desktop guard``. It is not for users.

Importing this file is cheap enough to be done after the window's first paint. The first line is out before
the HTTP client is loaded; that is done at once after it, so that *Start* never waits for it.

Both pipes of the app are served by threads, which read and write them alike on every platform; asyncio's own
pipes do not. Neither ever holds up the loop.
"""

import asyncio
import contextlib
import faulthandler
import gc
import json
import logging
import os
import queue
import signal
import sys
import threading
from functools import partial
from pathlib import Path

from atlas_desktop import logs, proxies
from atlas_desktop.aio import DaemonExecutor, TaskScope, guarded
from atlas_desktop.api.guard_protocol import (
    LONGEST_LINE_BYTES,
    EndReason,
    Frame,
    decode_message,
    encode_error,
    encode_message,
)
from atlas_desktop.api.source import FACE_LIMIT_BYTES
from atlas_desktop.errors import AppError, BugError, UnreachableError
from atlas_desktop.guard.service import SessionService
from atlas_desktop.heap import limit_arenas, trim_heap
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.settings import stored_proxy_setting

log = logging.getLogger(__name__)

OUTLIVES_APP_S = 900.0
"""How long it goes on requesting an end after the app has gone; the rest is the next launch's."""
OUTLIVES_APP_NAME = "ATLAS_GUARD_OUTLIVES_S"
"""Names a shorter time, for tests."""

_IGNORED = ("SIGINT", "SIGHUP", "SIGPIPE")
_STDIN, _STDOUT = 0, 1
_READ_BYTES = 65536
_LAST_WRITE_S = 1.0
_LAST_ANSWERS_S = 0.5
_CERTIFICATES_LIMIT_S = 3.0
_LONGEST_CONTENT_BYTES = 2 * FACE_LIMIT_BYTES


def main(profile_folder: Path | None) -> int:
    """Guard until the app has gone and every session is ended; return the exit status.

    Prints one line of JSON, ``{"guard": …}``; frames follow (``api.orders``).
    """
    for name in _IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    limit_arenas()
    # What it writes last goes into the log of the window that started it, while there is one.
    faulthandler.enable()
    profile = Profile.at(profile_folder)
    _log_to(profile.folder / "log" / "guard.log")
    proxies.set_provider(partial(stored_proxy_setting, profile.settings_file))
    asyncio.run(_guard(profile))
    return 0


async def _guard(profile: Profile) -> None:
    # A name server that never answers must not keep the process.
    asyncio.get_running_loop().set_default_executor(DaemonExecutor())
    frames = FrameWriter(_STDOUT)
    journal = BillingJournal(profile.billing_journal)
    service = SessionService(journal, profile.guards_folder, lambda event: frames.put(encode_message(event)))
    frames.put(json.dumps({"guard": service.guard}).encode() + b"\n")
    requests = RequestLoop(service, frames, read_pipe(_STDIN))
    terminated = _sigterm_event()
    await _load_client()
    log.info("guard %s is up", service.guard)
    reason = await requests.run_until(terminated)
    log.info("going (%s)", reason.value)
    await service.aclose(_outlives_s(), reason)
    await requests.aclose()
    frames.close()
    log.info("gone")


def read_pipe(descriptor: int) -> asyncio.StreamReader:
    """Return a stream of what comes from a pipe; its end when the app has gone. Called on the loop."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(limit=LONGEST_LINE_BYTES)

    @guarded("guard.in")
    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            with contextlib.suppress(OSError):
                while data := os.read(descriptor, _READ_BYTES):
                    loop.call_soon_threadsafe(reader.feed_data, data)
            loop.call_soon_threadsafe(reader.feed_eof)

    threading.Thread(target=read, name="guard.in", daemon=True).start()
    return reader


class FrameWriter:
    """Writes frames to a pipe in their order; for an app that has gone it does nothing. Thread: any."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=guarded("guard.out")(self._run), name="guard.out", daemon=True)
        self._thread.start()

    def put(self, data: bytes) -> None:
        """Queue ``data``; return at once."""
        self._frames.put(data)

    def close(self) -> None:
        """Let what was queued be written, for a second at most."""
        self._frames.put(None)
        self._thread.join(_LAST_WRITE_S)

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # nobody reads any more
            while (data := self._frames.get()) is not None:
                view = memoryview(data)
                while view:
                    view = view[os.write(self._descriptor, view) :]


class RequestLoop:
    """Takes orders off the pipe, each in a task of its own: one that takes long holds up no other.

    Args:
        service: Carries them out.
        frames: Takes the answers.
        orders: Where they come from.
    """

    def __init__(self, service: SessionService, frames: FrameWriter, orders: asyncio.StreamReader) -> None:
        self._service = service
        self._frames = frames
        self._orders = orders
        self._scope = TaskScope("guard.requests")
        self._running = TaskScope("guard.orders")

    async def run_until(self, terminated: asyncio.Event) -> EndReason:
        """Serve until the app has gone or the guard was terminated, and return which."""
        serving = self._scope.start(self._serve(), "serve")
        waiting = self._scope.start(terminated.wait(), "terminated")
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return EndReason.GUARD_TOLD if terminated.is_set() else EndReason.APP_GONE

    async def aclose(self) -> None:
        """Take no more orders; those that are as good as done are answered."""
        await self._scope.aclose()
        await self._running.join(_LAST_ANSWERS_S)
        await self._running.aclose()

    async def _serve(self) -> None:
        while True:
            try:
                # Kept nowhere here: a face would stay until the next order.
                self._take(*await self._next())
            except (EOFError, asyncio.IncompleteReadError):
                return
            except ValueError:
                log.warning("what came is no order")

    async def _next(self) -> tuple[Frame, bytes]:
        line = await self._orders.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        order = decode_message(line)
        return order, await self._content(order)

    async def _content(self, order: Frame) -> bytes:
        length = order.get("content_bytes", 0)
        if not isinstance(length, int) or not 0 <= length <= _LONGEST_CONTENT_BYTES:
            raise ValueError("content_bytes")
        return await self._orders.readexactly(length) if length else b""

    def _take(self, order: Frame, content: bytes) -> None:
        if order.get("op") == "beat":
            idle_s = order.get("idle_s")
            # The orders that follow must be taken, whatever goes wrong here.
            guarded("guard.beat")(self._service.beat)(idle_s if isinstance(idle_s, int | float) else 0.0)
            return
        task = self._running.start(self._service.handle(order, content), str(order.get("op")))
        task.add_done_callback(partial(self._answer, order))
        if content:
            task.add_done_callback(_forget_content)

    def _answer(self, order: Frame, task: "asyncio.Task[Frame]") -> None:
        number = order.get("n")
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            answer: Frame = {"n": number, "ok": task.result()}
        else:
            known = error if isinstance(error, AppError) else BugError(where=f"guard.{order.get('op')}")
            answer = {"n": number, "error": encode_error(known)}
        self._frames.put(encode_message(answer))


def _forget_content(_task: "asyncio.Task[Frame]") -> None:
    # Later: the task and the error that it may hold still know the face.
    asyncio.get_running_loop().call_later(1.0, trim_heap)


def _sigterm_event() -> asyncio.Event:
    """Return an event that SIGTERM sets; the second one ends the process where it stands."""
    loop, terminated = asyncio.get_running_loop(), asyncio.Event()

    def terminate() -> None:
        if terminated.is_set():
            os._exit(1)
        terminated.set()

    try:
        loop.add_signal_handler(signal.SIGTERM, terminate)
    except NotImplementedError:  # Windows
        signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(terminate))
    return terminated


async def _load_client() -> None:
    """Load what the first session needs, the certificates included."""
    # The client's command line, where it is installed too, brings 8 MB that nobody here uses.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    import anyio.lowlevel
    import h11  # noqa: F401 - loaded by httpx with its first connection, as is httpcore
    import httpcore  # noqa: F401

    from atlas_desktop.api import http_source  # noqa: F401
    from atlas_desktop.api.certificates import loaded_certificates

    # Raised again by the first call, where there is none to be read.
    with contextlib.suppress(UnreachableError):
        await loaded_certificates(_CERTIFICATES_LIMIT_S)
    # What a first connection would load.
    await anyio.lowlevel.checkpoint()
    gc.collect()
    gc.freeze()


def _log_to(file: Path) -> None:
    """Log to a file alone: the app's pipes break with it."""
    try:
        logs.set_up(file=file)
    except OSError:
        logs.set_up()
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if isinstance(one, logging.FileHandler)]
    logging.raiseExceptions = False


def _outlives_s() -> float:
    try:
        return min(float(os.environ.get(OUTLIVES_APP_NAME, "")), OUTLIVES_APP_S)
    except ValueError:
        return OUTLIVES_APP_S
