"""TLS in front of a server of this computer: what a handshake costs is measured with it."""

import asyncio
import contextlib
import ssl
import threading
from typing import Self


class TlsRelay:
    """Serves on loopback in a thread of its own: use it with ``with``. Passes bytes on to ``port``.

    Attributes:
        port: Where it listens.
        handshakes: How many connections were negotiated.
    """

    def __init__(self, to_port: int, context: ssl.SSLContext) -> None:
        self.port = 0
        self.handshakes = 0
        self._to_port = to_port
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tls relay")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        serving = asyncio.start_server(self._take, "127.0.0.1", 0, ssl=self._context)
        server = self._loop.run_until_complete(serving)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.1))
        self._loop.close()

    async def _take(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        self.handshakes += 1
        far_in, far_out = await asyncio.open_connection("127.0.0.1", self._to_port)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(_pass_on(near_in, far_out), _pass_on(far_in, near_out))


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.close()
