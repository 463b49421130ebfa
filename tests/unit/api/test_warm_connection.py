"""A connection that is negotiated ahead of the next request: used once, and only while it is good."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from atlas_desktop.api.http_source import AtlasSource
from atlas_desktop.errors import ServiceError
from tests.unit.tls import server_context

STATUS = b'{"status": "active"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n" + STATUS
UNASKED = b'HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{"status": "ended"}'


@dataclass
class Connection:
    """One connection as the server sees it."""

    writer: asyncio.StreamWriter
    requests: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)


class CountingServer:
    """Answers every request, keeps connections open as HTTP/1.1 does, and counts both."""

    def __init__(self) -> None:
        self.base = ""
        self.connections: list[Connection] = []

    @property
    def requests(self) -> list[int]:
        return [connection.requests for connection in self.connections]

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        self.base = f"http{'s' if tls else ''}://127.0.0.1:{port}"
        async with server:
            try:
                yield
            finally:
                for connection in self.connections:
                    connection.writer.close()
                    await connection.closed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(writer)
        self.connections.append(connection)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                connection.requests += 1
                writer.write(ANSWER)
        except (OSError, EOFError):
            writer.close()
        finally:
            connection.closed.set()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atlas_desktop.api.warm_connection.AFTER_USE_S", 0.01)


@pytest.fixture(params=["http", "https"])
async def server(
    request: pytest.FixtureRequest, bare_network: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[CountingServer]:
    context, file = server_context("127.0.0.1", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    server = CountingServer()
    async with server.serving(context if request.param == "https" else None):
        yield server


@pytest.fixture
async def source(server: CountingServer) -> AsyncIterator[AtlasSource]:
    source = AtlasSource("ak_test_0123456789", server.base)
    source.keep_warm()
    yield source
    await source.aclose()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def warm(server: CountingServer, number: int = 0) -> Connection:
    """That connection, once it is held ready at our end, too: it is of this very loop."""
    await until(lambda: len(server.connections) > number)
    for _ in range(50):
        await asyncio.sleep(0)
    return server.connections[number]


async def test_it_is_there_before_the_first_request_which_uses_it(
    server: CountingServer, source: AtlasSource
) -> None:
    await warm(server)
    assert server.requests == [0]
    assert (await source.status("ses_1")).status == "active"
    assert server.requests[0] == 1


async def test_it_is_used_for_one_request_and_replaced(server: CountingServer, source: AtlasSource) -> None:
    for number in range(3):
        await warm(server, number)
        await source.status("ses_1")
        assert server.requests == [1] * (number + 1)
        async with asyncio.timeout(5):
            await server.connections[number].closed.wait()
    assert max(server.requests) == 1


async def test_requests_at_once_have_a_connection_each(server: CountingServer, source: AtlasSource) -> None:
    await warm(server)
    await asyncio.gather(*(source.status("ses_1") for _ in range(3)))
    assert sorted(server.requests, reverse=True)[:3] == [1, 1, 1]
    assert max(server.requests) == 1


async def test_one_that_the_service_closed_is_not_used(server: CountingServer, source: AtlasSource) -> None:
    (await warm(server)).writer.close()
    async with asyncio.timeout(5):
        await server.connections[0].closed.wait()
    assert (await source.status("ses_1")).status == "active"
    assert server.requests[0] == 0


async def test_what_comes_before_a_request_is_no_answer_to_it(
    server: CountingServer, source: AtlasSource
) -> None:
    connection = await warm(server)
    connection.writer.write(UNASKED)
    # Our end closes what says anything before it was asked.
    async with asyncio.timeout(5):
        await connection.closed.wait()
    assert (await source.status("ses_1")).status == "active"
    assert server.requests[0] == 0


async def test_after_a_sleep_it_is_not_used(
    server: CountingServer, source: AtlasSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    await warm(server)
    monkeypatch.setattr("atlas_desktop.api.warm_connection.boottime_s", lambda: 1e9)
    assert (await source.status("ses_1")).status == "active"
    assert server.requests[0] == 0


async def test_it_is_closed_with_its_source(server: CountingServer, source: AtlasSource) -> None:
    await warm(server)
    await source.aclose()
    async with asyncio.timeout(5):
        await server.connections[0].closed.wait()
    assert server.requests == [0]


async def test_it_is_replaced_before_the_service_may_close_it(
    server: CountingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atlas_desktop.api.warm_connection.MAX_AGE_S", 0.05)
    source = AtlasSource("ak_test_0123456789", server.base)
    source.keep_warm()
    await until(lambda: len(server.connections) >= 3)
    await source.status("ses_1")
    await source.aclose()
    assert sum(server.requests) == 1


async def test_a_service_that_is_not_there_is_nothing_to_it() -> None:
    source = AtlasSource("ak_test_0123456789", "http://127.0.0.1:9")
    source.keep_warm()
    await asyncio.sleep(0.05)
    with pytest.raises(ServiceError):
        await source.status("ses_1")
    await source.aclose()
