"""A real SOCKS proxy for tests: versions 5 and 4a, CONNECT only; it may want a password, or refuse."""

import asyncio
import socket

from tests.unit.connect_proxy import ConnectProxy

_NONE, _PASSWORD, _NO_METHOD = 0, 2, 0xFF
_IPV4, _NAME, _IPV6 = 1, 3, 4


class SocksProxy(ConnectProxy):
    """Serves on loopback in a thread of its own: use it with ``with``. ``targets`` are as ``ConnectProxy``'s.

    Args:
        credentials: ``user:password`` that it wants; empty: it takes everybody, and asks for no name.
        code: The reply to every request for a connection, where it is not the way itself: 2 is "not allowed".
        in_pieces: Whether each answer comes byte by byte.
    """

    def __init__(self, *, credentials: str = "", code: int = 0, in_pieces: bool = False) -> None:
        super().__init__()
        self._wanted = credentials
        self._code = code
        self._in_pieces = in_pieces

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version = (await reader.readexactly(1))[0]
        if version == 4:
            await self._answer_4(reader, writer)
            return
        methods = await self._field(reader)
        wanted = _PASSWORD if self._wanted else _NONE
        await self._say(writer, bytes([5, wanted if wanted in methods else _NO_METHOD]))
        if wanted not in methods or (self._wanted and not await self._knows(reader, writer)):
            return
        _version, _command, _reserved, kind = await reader.readexactly(4)
        host = await self._host(reader, kind)
        port = int.from_bytes(await reader.readexactly(2), "big")
        target = f"[{host}]:{port}" if kind == _IPV6 else f"{host}:{port}"
        self.targets.append(target)
        if self._code:
            await self._say(writer, bytes([5, self._code, 0, _IPV4, *bytes(6)]))
            return
        way = await self.way_to(target)
        # It names where it is bound; a long answer, as some give.
        await self._say(writer, bytes([5, 0, 0, _NAME, 5, *b"proxy", 0, 0]))
        await self.join(target, reader, writer, way)

    async def _answer_4(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        port = int.from_bytes(await reader.readexactly(2), "big")
        address = await reader.readexactly(4)
        self.given.append((await reader.readuntil(b"\0"))[:-1].decode())
        is_name = address[:3] == bytes(3) and address[3]
        host = (await reader.readuntil(b"\0"))[:-1].decode() if is_name else socket.inet_ntoa(address)
        target = f"{host}:{port}"
        self.targets.append(target)
        way = await self.way_to(target)
        await self._say(writer, bytes([0, 0x5A, *bytes(6)]))
        await self.join(target, reader, writer, way)

    async def _knows(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.readexactly(1)
        given = f"{(await self._field(reader)).decode()}:{(await self._field(reader)).decode()}"
        self.given.append(given)
        await self._say(writer, bytes([1, given != self._wanted]))
        return given == self._wanted

    async def _host(self, reader: asyncio.StreamReader, kind: int) -> str:
        if kind == _NAME:
            return (await self._field(reader)).decode()
        family, length = (socket.AF_INET, 4) if kind == _IPV4 else (socket.AF_INET6, 16)
        return socket.inet_ntop(family, await reader.readexactly(length))

    async def _field(self, reader: asyncio.StreamReader) -> bytes:
        return await reader.readexactly((await reader.readexactly(1))[0])

    async def _say(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        for piece in [data[i : i + 1] for i in range(len(data))] if self._in_pieces else [data]:
            writer.write(piece)
            await writer.drain()
            if self._in_pieces:
                # The next turn of the loop: another segment.
                await asyncio.sleep(0)
