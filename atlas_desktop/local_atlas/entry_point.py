"""The local Atlas as a process of its own: ``atlas-desktop local``.

Importing this file is cheap. The address is known, and printed, before the heavy modules are loaded:
connections made meanwhile wait in the socket's backlog.
"""

import asyncio
import contextlib
import faulthandler
import gc
import json
import os
import secrets
import socket
import sys
import threading

from atlas_desktop import logs, native_environment
from atlas_desktop.descriptors import drain
from atlas_desktop.end_signals import handle_end_signals
from atlas_desktop.heap import limit_arenas
from atlas_desktop.redaction import known

HOST = "127.0.0.1"
BACKLOG = 128
_STDIN = 0
_LOOP_CYCLES_TO_ACCEPT = 3  # asyncio takes up to three from accept() to connection_made()


def main(port: int = 0, as_child: bool = False) -> int:
    """Serve until an end signal, as a child also until end-of-file on standard input; return the exit status.

    Prints one line of JSON, ``{"base": …, "key": …}``, as soon as it listens.
    """
    limit_arenas()
    # Without this a native crash of a child leaves nothing in the log of the process that spawned it.
    faulthandler.enable()
    logs.set_up()
    _drop_unsafe_variables()
    try:
        listener = open_listener(port)
    except OSError as error:
        reason = error.strerror or str(error)
        sys.stderr.write(f"atlas-desktop local: port {port} can't be used ({reason}); try another --port\n")
        return 1
    key = new_key()
    known.add(key)
    sys.stdout.write(json.dumps({"base": base_url(listener), "key": key}) + "\n")
    sys.stdout.flush()
    asyncio.run(_serve_until_stopped(listener, key, as_child))
    return 0


def open_listener(port: int) -> socket.socket:
    """Open a listening socket on loopback.

    Raises:
        OSError: The port is in use.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":  # elsewhere a listening port can't be bound a second time
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def base_url(listener: socket.socket) -> str:
    """Return the base URL of a bound socket."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def new_key() -> str:
    """Return a random API key in the service's format."""
    return f"ak_{secrets.token_hex(20)}"


async def stop_accepting(listener: socket.socket) -> None:
    """Accept no more connections on the running loop; those accepted already are still set up.

    Call this before closing the server: CPython 3.11 leaks a connection that it accepts while it is closed.
    """
    with contextlib.suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().remove_reader(listener)
    for _ in range(_LOOP_CYCLES_TO_ACCEPT):
        await asyncio.sleep(0)


def _drop_unsafe_variables() -> None:
    """Remove variables that would break the import of aiohttp, which creates TLS contexts at import.

    A key log that can't be written raises there. Nothing is lost: a rehearsal is plain HTTP on loopback, and
    only fetching a face by URL needs TLS.
    """
    for name in (native_environment.KEY_LOG, *native_environment.unsafe_certificate_variables()):
        os.environ.pop(name, None)


async def _serve_until_stopped(listener: socket.socket, key: str, as_child: bool) -> None:
    stopped, serving = asyncio.Event(), threading.Event()
    if as_child:
        watch = (asyncio.get_running_loop(), stopped, serving)
        threading.Thread(target=_wait_for_end_of_input, args=watch, name="stdin", daemon=True).start()
    from atlas_desktop.local_atlas.composition import serve

    atlas = await serve(listener=listener, key=key)
    # Everything loaded by now lives as long as the process: the collector need not traverse it again.
    gc.freeze()
    with handle_end_signals(lambda _number: stopped.set()):
        serving.set()
        await stopped.wait()
        await atlas.aclose()


def _wait_for_end_of_input(
    loop: asyncio.AbstractEventLoop, stopped: asyncio.Event, serving: threading.Event
) -> None:
    drain(_STDIN)
    if not serving.is_set():
        # Still importing, which takes seconds on a busy computer: there is nothing to close yet.
        os._exit(0)
    with contextlib.suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(stopped.set)
