"""A real HTTP proxy for tests: CONNECT only, records what is asked, may want a password, may refuse."""

import asyncio
import contextlib
import ssl
import threading
from base64 import b64encode
from collections.abc import Mapping
from typing import Self


class ConnectProxy:
    """Serves on loopback in a thread of its own: use it with ``with``.

    Args:
        credentials: ``user:password`` that it wants; empty: it takes everybody.
        refusal: The status line's rest with which every request is refused; empty: none is.
        page: Sent and hung up after the leave to go through, in place of what lies there: a log-in page.
        leads: Where targets (``host:port``) really lie, as a name server behind the proxy would know.

    Attributes:
        targets: What CONNECT asked for, in order, those that were refused included.
        given: The ``Proxy-Authorization`` of each.
        heads: All that each was asked with.
    """

    def __init__(
        self,
        *,
        credentials: str = "",
        refusal: str = "",
        page: bytes | None = None,
        leads: Mapping[str, tuple[str, int]] | None = None,
    ) -> None:
        self.targets: list[str] = []
        self.given: list[str] = []
        self.heads: list[str] = []
        self.port = 0
        self._credentials = credentials
        self._refusal = refusal
        self._page = page
        self._leads = dict(leads or {})
        self._tls: dict[str, ssl.SSLContext] = {}
        self._transports: list[asyncio.WriteTransport] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="connect proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def lead(self, target: str, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """From now on ``target`` lies there, behind a server that passes on with its own ``Host``.

        With ``tls`` that server is spoken to by TLS.
        """
        self._leads[target] = (host, port)
        if tls is not None:
            self._tls[target] = tls

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._server.close()
        self._loop.run_until_complete(self._closed())
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _closed(self) -> None:
        for transport in self._transports:
            transport.abort()
        for _ in range(5):
            # A transport closes its socket in the next turns of the loop.
            await asyncio.sleep(0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A coroutine in its place is a task whose cancelling asyncio complains of (3.11).
        self._transports.append(writer.transport)
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            await self.answer(reader, writer)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        answer, way = await self._decide(head)
        writer.write(f"HTTP/1.1 {answer}\r\n\r\n".encode())
        if self._page is not None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self._page)
        if way is not None:
            await self.join(head.split(" ")[1], reader, writer, way)

    async def join(
        self,
        target: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        way: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Passes on between a client and ``target``, which lies at the end of ``way``."""
        far_reader, far_writer = way
        with contextlib.closing(far_writer):
            if context := self._tls.get(target):
                await writer.start_tls(context)
            await asyncio.wait(
                {
                    asyncio.ensure_future(_pump(reader, far_writer, self._hosts(target))),
                    asyncio.ensure_future(_pump(far_reader, writer)),
                },
                return_when=asyncio.FIRST_COMPLETED,
            )

    async def way_to(self, target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to where ``target`` really lies."""
        host, _, port = target.rpartition(":")
        return await asyncio.open_connection(*self._leads.get(target, (host.strip("[]"), int(port))))

    def _hosts(self, target: str) -> tuple[bytes, bytes]:
        """The line that a server's name stands in, and what is passed on in its place."""
        if target not in self._leads:
            return b"", b""
        host, port = self._leads[target]
        name = target.removesuffix(":80").removesuffix(":443")
        return f"Host: {name}\r\n".encode(), f"Host: {host}:{port}\r\n".encode()

    async def _decide(
        self, head: str
    ) -> tuple[str, tuple[asyncio.StreamReader, asyncio.StreamWriter] | None]:
        self.heads.append(head)
        method, target, _version = head.split("\r\n", 1)[0].split(" ")
        lines = [line.partition(": ") for line in head.split("\r\n")[1:]]
        given = next((value for name, _, value in lines if name.lower() == "proxy-authorization"), "")
        self.targets.append(target if method == "CONNECT" else f"{method} {target}")
        self.given.append(given)
        if self._refusal:
            return self._refusal, None
        if self._credentials and given != "Basic " + b64encode(self._credentials.encode()).decode():
            return "407 Proxy Authentication Required", None
        if self._page is not None:
            return "200 OK", None
        try:
            return "200 OK", await self.way_to(target)
        except OSError:
            return "502 Bad Gateway", None


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hosts: tuple[bytes, bytes] = (b"", b"")
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data.replace(*hosts) if hosts[0] else data)
            await writer.drain()
