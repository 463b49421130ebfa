"""The guard as a process of its own: ``atlas-desktop guard``. It is not for users.

Importing this file is cheap enough to be done after the window's first paint. The first line is out before
the HTTP client is loaded; that is done at once after it, so that *Start* never waits for it.
"""

import asyncio
import contextlib
import faulthandler
import gc
import json
import logging
import os
import signal
import sys
from functools import partial
from pathlib import Path

from atlas_desktop import logs, proxies
from atlas_desktop.aio import DaemonExecutor, TaskScope, guarded
from atlas_desktop.api.orders import Frame, Why, complaint_of, frame_of, line_of
from atlas_desktop.api.source import FACE_LIMIT_BYTES
from atlas_desktop.errors import AppError, BugError, UnreachableError
from atlas_desktop.guard.broker import Broker
from atlas_desktop.guard.pipes import FramesOut, orders_in
from atlas_desktop.heap import give_back, limit_arenas
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.settings import stored_proxy_setting

log = logging.getLogger(__name__)

OUTLIVES_APP_S = 900.0
"""So long it goes on asking for an end after the app has gone; the rest is the next launch's."""
OUTLIVES_APP_NAME = "ATLAS_GUARD_OUTLIVES_S"
"""Names a shorter time, for tests."""

_IGNORED = ("SIGINT", "SIGHUP", "SIGPIPE")
_STDIN, _STDOUT = 0, 1
_LAST_ANSWERS_S = 0.5
_CERTIFICATES_LIMIT_S = 3.0
_LONGEST_CONTENT_BYTES = 2 * FACE_LIMIT_BYTES


def main(profile_folder: Path | None) -> int:
    """Guards until the app has gone and every session is ended, and returns the exit status.

    Prints one line of JSON, ``{"guard": …}``; frames follow (``api.orders``).
    """
    for name in _IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    limit_arenas()
    # Its last words go into the log of the window that started it, while there is one.
    faulthandler.enable()
    profile = Profile.at(profile_folder)
    _log_to(profile.folder / "log" / "guard.log")
    proxies.follow(partial(stored_proxy_setting, profile.settings_file))
    asyncio.run(_guard(profile))
    return 0


async def _guard(profile: Profile) -> None:
    # A name server that never answers must not keep the process.
    asyncio.get_running_loop().set_default_executor(DaemonExecutor())
    frames = FramesOut(_STDOUT)
    broker = Broker(
        BillingJournal(profile.billing_journal),
        profile.guards_folder,
        lambda event: frames.put(line_of(event)),
        twins=True,
    )
    frames.put(json.dumps({"guard": broker.guard}).encode() + b"\n")
    orders = orders_in(_STDIN)
    told = _told_to_go()
    await _load_client()
    log.info("guard %s is up", broker.guard)
    desk = Desk(broker, frames, orders)
    why = await desk.serve_until(told)
    log.info("going (%s)", why.value)
    await broker.aclose(_outlives_s(), why)
    await desk.aclose()
    frames.close()
    log.info("gone")


class Desk:
    """Takes orders off the pipe, each in a task of its own: one that takes long holds up no other.

    Args:
        broker: Carries them out.
        frames: Takes the answers.
        orders: Where they come from.
    """

    def __init__(self, broker: Broker, frames: FramesOut, orders: asyncio.StreamReader) -> None:
        self._broker = broker
        self._frames = frames
        self._orders = orders
        self._scope = TaskScope("guard.desk")
        self._under_way = TaskScope("guard.orders")

    async def serve_until(self, told: asyncio.Event) -> Why:
        """Serves until the app has gone or the guard was told to go, and says which."""
        serving = self._scope.start(self._serve(), "serve")
        waiting = self._scope.start(told.wait(), "told")
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return Why.GUARD_TOLD if told.is_set() else Why.APP_GONE

    async def aclose(self) -> None:
        """Takes no more orders; those that are as good as done are answered."""
        await self._scope.aclose()
        await self._under_way.join(_LAST_ANSWERS_S)
        await self._under_way.aclose()

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
        order = frame_of(line)
        return order, await self._content(order)

    async def _content(self, order: Frame) -> bytes:
        length = order.get("content_bytes", 0)
        if not isinstance(length, int) or not 0 <= length <= _LONGEST_CONTENT_BYTES:
            raise ValueError("content_bytes")
        return await self._orders.readexactly(length) if length else b""

    def _take(self, order: Frame, content: bytes) -> None:
        if order.get("op") == "beat":
            idle_s = order.get("idle_s")
            # The orders that follow must be taken, whatever a sign of life stirs up.
            guarded("guard.beat")(self._broker.beat)(idle_s if isinstance(idle_s, int | float) else 0.0)
            return
        task = self._under_way.start(self._broker.obey(order, content), str(order.get("op")))
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
            answer = {"n": number, "error": complaint_of(known)}
        self._frames.put(line_of(answer))


def _forget_content(_task: "asyncio.Task[Frame]") -> None:
    # Later: the task and the error that it may hold still know the face.
    asyncio.get_running_loop().call_later(1.0, give_back)


def _told_to_go() -> asyncio.Event:
    """Set by SIGTERM; the second one ends the process where it stands."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        if told.is_set():
            os._exit(1)
        told.set()

    try:
        loop.add_signal_handler(signal.SIGTERM, tell)
    except NotImplementedError:  # Windows
        signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(tell))
    return told


async def _load_client() -> None:
    """Loads what the first session needs, the certificates included."""
    # The client's command line, where it is installed too, brings 8 MB that nobody here uses.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    import anyio.lowlevel
    import h11  # noqa: F401 - loaded by httpx with its first connection, as is httpcore
    import httpcore  # noqa: F401

    from atlas_desktop.api import http_source  # noqa: F401
    from atlas_desktop.api.certificates import loaded_certificates

    # Told with the first call, where there is none to be read.
    with contextlib.suppress(UnreachableError):
        await loaded_certificates(_CERTIFICATES_LIMIT_S)
    # What a first connection would load.
    await anyio.lowlevel.checkpoint()
    gc.collect()
    gc.freeze()


def _log_to(file: Path) -> None:
    """The log goes to a file alone: the app's pipes break with it."""
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
