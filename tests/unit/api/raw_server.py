"""A server that sends the bytes it was given, and remembers what it was asked."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager


class RawServer:
    """Gives one answer after the other, the last one again and again; each ends its connection.

    Attributes:
        requests: Their heads.
        waits: Keeps a connection open when all is sent.
    """

    def __init__(self, answers: Sequence[bytes], *, waits: bool = False) -> None:
        self.requests: list[bytes] = []
        self.waits = waits
        self.base = ""
        self._answers = list(answers)
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving[asyncio.ensure_future(self._serve(reader, writer))] = writer

    async def aclose(self) -> None:
        """Closes every connection."""
        for writer in self._serving.values():
            writer.close()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head)
            length = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            writer.write(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])
            await writer.drain()
            if self.waits:
                await reader.read()
        except (OSError, EOFError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def raw_server(*answers: bytes, waits: bool = False) -> AsyncIterator[RawServer]:
    """Serves on this computer."""
    serving = RawServer(answers, waits=waits)
    server = await asyncio.start_server(serving.accept, "127.0.0.1", 0)
    serving.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        try:
            yield serving
        finally:
            await serving.aclose()


def answer(body: bytes, *headers: bytes, line: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """An answer of that body."""
    return b"\r\n".join([line, *headers, b"Content-Length: %d" % len(body), b"", b""]) + body
