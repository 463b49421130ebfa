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
import socket
import sys
import threading

from atlas_desktop import logs, native_environment
from atlas_desktop.descriptors import drain
from atlas_desktop.end_signals import handle_end_signals
from atlas_desktop.heap import limit_arenas
from atlas_desktop.local_atlas.listening import base_of, bound, new_key
from atlas_desktop.local_atlas.running import LocalAtlas, LocalAtlasThread, serve
from atlas_desktop.redaction import known

__all__ = ["LocalAtlas", "LocalAtlasThread", "main", "serve"]

_STDIN = 0


def main(port: int = 0, as_child: bool = False) -> int:
    """Serve until an end signal, as a child also until end-of-file on standard input; return the exit status.

    Prints one line of JSON, ``{"base": …, "key": …}``, as soon as it listens.
    """
    limit_arenas()
    # A native crash is written to standard error, which the parent logs.
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
    asyncio.run(_serve(listener, key, as_child))
    return 0


def _drop_unsafe_variables() -> None:
    """Takes variables away that would stop the import of aiohttp, which makes TLS contexts as it comes.

    A key log that can't be written raises there. Nothing is lost: a rehearsal is plain HTTP on this computer,
    and only a face by its address needs trust.
    """
    for name in (native_environment.KEY_LOG, *native_environment.unsafe_certificate_variables()):
        os.environ.pop(name, None)


async def _serve(listener: socket.socket, key: str, as_child: bool) -> None:
    stop, serving = asyncio.Event(), threading.Event()
    if as_child:
        watch = (asyncio.get_running_loop(), stop, serving)
        threading.Thread(target=_wait_for_end_of_input, args=watch, name="stdin", daemon=True).start()
    atlas = await serve(listener=listener, key=key)
    # All that was loaded stays: the collector need not look through it again.
    gc.freeze()
    with handle_end_signals(lambda _number: stop.set()):
        serving.set()
        await stop.wait()
        await atlas.aclose()


def _wait_for_end_of_input(
    loop: asyncio.AbstractEventLoop, stop: asyncio.Event, serving: threading.Event
) -> None:
    drain(_STDIN)
    if not serving.is_set():
        # Still loading, which can take seconds on a busy computer: nobody was served, nothing is to be ended.
        os._exit(0)
    with contextlib.suppress(RuntimeError):  # the loop has ended by itself
        loop.call_soon_threadsafe(stop.set)
