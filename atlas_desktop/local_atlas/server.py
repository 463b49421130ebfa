"""The local Atlas as a process of its own: ``atlas-desktop local``.

Importing this file is cheap. The address is known, and printed, before the heavy parts are loaded:
connections made meanwhile wait in the socket's queue.
"""

import asyncio
import contextlib
import faulthandler
import gc
import json
import os
import signal
import socket
import sys
import threading

from atlas_desktop import logs, native_trust
from atlas_desktop.heap import limit_arenas
from atlas_desktop.local_atlas.listening import base_of, bound, new_key
from atlas_desktop.local_atlas.running import LocalAtlas, LocalAtlasThread, serve
from atlas_desktop.redaction import known

__all__ = ["LocalAtlas", "LocalAtlasThread", "main", "serve"]

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(port: int = 0, as_child: bool = False) -> int:
    """Serves until told to stop, and returns the exit status.

    Prints one line of JSON, ``{"base": …, "key": …}``, as soon as it listens. Ends at SIGINT and
    SIGTERM, and as a child also at end-of-file on its standard input.
    """
    limit_arenas()
    # A child's last words go into the log of whoever started it.
    faulthandler.enable()
    logs.set_up()
    _drop_unsafe_variables()
    try:
        listener = bound(port)
    except OSError as error:
        reason = error.strerror or str(error)
        sys.stderr.write(f"atlas-desktop local: port {port} can't be used ({reason}); try another --port\n")
        return 1
    key = new_key()
    known.add(key)
    sys.stdout.write(json.dumps({"base": base_of(listener), "key": key}) + "\n")
    sys.stdout.flush()
    asyncio.run(_serve_until_told(listener, key, as_child))
    return 0


def _drop_unsafe_variables() -> None:
    """Takes variables away that would stop the import of aiohttp, which makes TLS contexts as it comes.

    A key log that can't be written raises there. Nothing is lost: a rehearsal is plain HTTP on this computer,
    and only a face by its address needs trust.
    """
    for name in (native_trust.KEY_LOG, *native_trust.unsafe_variables()):
        os.environ.pop(name, None)


async def _serve_until_told(listener: socket.socket, key: str, as_child: bool) -> None:
    told, serving = asyncio.Event(), threading.Event()
    if as_child:
        watch = (asyncio.get_running_loop(), told, serving)
        threading.Thread(target=_wait_for_end_of_input, args=watch, name="stdin", daemon=True).start()
    atlas = await serve(listener=listener, key=key)
    # All that was loaded stays: the collector need not look through it again.
    gc.freeze()
    _listen_for_signals(told)
    serving.set()
    await told.wait()
    await atlas.aclose()


def _listen_for_signals(told: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        try:
            loop.add_signal_handler(number, told.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(told.set))


def _wait_for_end_of_input(
    loop: asyncio.AbstractEventLoop, told: asyncio.Event, serving: threading.Event
) -> None:
    # Not sys.stdin: a thread that waits in its lock aborts the interpreter's shutdown.
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    if not serving.is_set():
        # Still loading, which can take seconds on a busy computer: nobody was served, nothing is to be ended.
        os._exit(0)
    with contextlib.suppress(RuntimeError):  # the loop has ended by itself
        loop.call_soon_threadsafe(told.set)
