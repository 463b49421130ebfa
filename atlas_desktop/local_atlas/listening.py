"""Where the local Atlas listens: a socket on loopback, and the key that opens it."""

import asyncio
import contextlib
import secrets
import socket
import sys

HOST = "127.0.0.1"
BACKLOG = 128
_TURNS_TO_CONNECT = 3


def bound(port: int) -> socket.socket:
    """A listening socket on this computer's loopback.

    Raises:
        OSError: The port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":  # elsewhere nobody can take a port that is listened at
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


async def stop_accepting(listener: socket.socket) -> None:
    """Takes no more connections, on the loop that serves ``listener``; those just taken are made yet.

    To be called before the server is closed: CPython 3.11 forgets, open, what it takes in that very moment.
    """
    with contextlib.suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().remove_reader(listener)
    for _ in range(_TURNS_TO_CONNECT):
        await asyncio.sleep(0)


def base_of(listener: socket.socket) -> str:
    """The address of a bound socket."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def new_key() -> str:
    """A key nobody can guess, in Atlas's form."""
    return f"ak_{secrets.token_hex(20)}"
