"""Rooms and proxies: which way the SDK's signalling really takes."""

import asyncio
import contextlib
import dataclasses
import os
import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from atlas_desktop import proxies
from atlas_desktop.api.http_source import AtlasSource
from atlas_desktop.api.source import Face, IdCallback, Mode, SessionGrant
from atlas_desktop.errors import (
    AppError,
    BadProxyError,
    PlainRoomError,
    ProxyBlocksMediaError,
    ProxyBlocksRoomError,
    ProxyLostError,
    RoomProxyError,
    RoomRefusedError,
)
from atlas_desktop.proxies import Proxy, ProxyMode, ProxySetting
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.room.proxy_tunnel import ProxyTunnel
from atlas_desktop.session.room.room_route import RoomRoute
from atlas_desktop.session.state import Failed
from tests.unit.connect_proxy import ConnectProxy
from tests.unit.local_atlas.atlas_thread import LocalAtlasThread
from tests.unit.local_atlas.stand_ins import toy_avatar
from tests.unit.socks_proxy import SocksProxy
from tests.unit.tls import server_context

pytestmark = pytest.mark.contract

NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy")
ROOM = "room.example"
PASSWORD = "p@ss:/w%rd"
WRITTEN = "p%40ss%3A%2Fw%25rd"


@pytest.fixture
def atlas() -> Iterator[LocalAtlasThread]:
    with LocalAtlasThread(toy_avatar) as atlas:
        yield atlas


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What the room elsewhere proves itself with; it is trusted here."""
    context, trusted = server_context(ROOM, tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    return context


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*NAMES, "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield
    proxies.set_provider(ProxySetting)


@pytest.fixture
def dead_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class ElsewhereSource(AtlasSource):
    """Names a room that only the proxy knows the way to."""

    url = f"wss://{ROOM}"

    async def create(self, mode: Mode, face: Face | None, on_id: IdCallback | None = None) -> SessionGrant:
        return dataclasses.replace(await super().create(mode, face, on_id), livekit_url=self.url)


class PlainSource(ElsewhereSource):
    url = f"ws://{ROOM}"


@pytest.fixture
async def session() -> AtlasSession:
    return AtlasSession()


Begin = Callable[..., AtlasSource]


@pytest.fixture
async def begin(atlas: LocalAtlasThread, session: AtlasSession) -> AsyncIterator[Begin]:
    opened: list[AtlasSource] = []

    def start(kind: type[AtlasSource] = AtlasSource) -> AtlasSource:
        opened.append(kind(atlas.key, atlas.base, billed=False))
        session.start(opened[-1], Mode.PASSTHROUGH)
        return opened[-1]

    yield start
    await session.aclose()
    for source in opened:
        await source.aclose()


@pytest.mark.parametrize("name", NAMES)
async def test_a_rehearsal_never_goes_through_a_proxy(
    name: str, session: AtlasSession, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConnectProxy() as proxy:
        monkeypatch.setenv(name, f"http://{proxy.address}")
        begin()
        assert await session.wait_live()
        assert proxy.targets == []


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_rehearsal_with_a_dead_proxy_is_live(
    scheme: str, session: AtlasSession, begin: Begin, monkeypatch: pytest.MonkeyPatch, dead_port: int
) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, f"{scheme}://127.0.0.1:{dead_port}")
    begin()
    assert await session.wait_live()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
async def test_a_room_elsewhere_is_reached_through_the_proxy_with_its_password(
    name: str,
    atlas: LocalAtlasThread,
    session: AtlasSession,
    begin: Begin,
    monkeypatch: pytest.MonkeyPatch,
    tls: ssl.SSLContext,
) -> None:
    with ConnectProxy(credentials=f"ann:{PASSWORD}") as proxy:
        proxy.lead(f"{ROOM}:443", "127.0.0.1", port_of(atlas), tls)
        monkeypatch.setenv(name, f"http://ann:{WRITTEN}@{proxy.address}")
        begin(ElsewhereSource)
        assert await session.wait_live()
        assert set(proxy.targets) == {f"{ROOM}:443"}
        session.end()
        await session.ended()


async def test_the_setting_names_the_proxy(
    atlas: LocalAtlasThread,
    session: AtlasSession,
    begin: Begin,
    monkeypatch: pytest.MonkeyPatch,
    tls: ssl.SSLContext,
    dead_port: int,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{dead_port}")
    with ConnectProxy() as proxy:
        proxy.lead(f"{ROOM}:443", "127.0.0.1", port_of(atlas), tls)
        proxies.set_provider(lambda: ProxySetting(ProxyMode.ADDRESS, proxy.address))
        begin(ElsewhereSource)
        assert await session.wait_live()
        assert proxy.targets == [f"{ROOM}:443"]


async def test_no_proxy_holds_for_rooms(
    session: AtlasSession, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConnectProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        monkeypatch.setenv("NO_PROXY", ".example")
        begin(ElsewhereSource)
        with pytest.raises(AppError):
            await session.wait_live()
        assert proxy.targets == []


@pytest.mark.parametrize(
    ("refusal", "words"),
    [("", "407"), ("403 Not for you", "403 Not for you")],
)
async def test_a_proxy_that_refuses_is_named_and_its_password_is_not(
    refusal: str, words: str, session: AtlasSession, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConnectProxy(credentials="ann:other", refusal=refusal) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ann:{WRITTEN}@{proxy.address}")
        begin(ElsewhereSource)
        with pytest.raises(RoomProxyError) as caught:
            await session.wait_live()
    assert words in str(caught.value)
    assert proxy.address in str(caught.value)
    assert "ann" not in str(caught.value)
    assert WRITTEN not in str(caught.value)


async def test_a_proxy_that_is_not_there_is_named(
    session: AtlasSession, begin: Begin, monkeypatch: pytest.MonkeyPatch, dead_port: int
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{dead_port}")
    begin(ElsewhereSource)
    with pytest.raises(RoomProxyError, match=f"127.0.0.1:{dead_port}"):
        await session.wait_live()


@pytest.mark.parametrize("page", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nLogin", b"\x05\x00"])
async def test_a_proxy_that_gives_a_page_for_the_room_is_named(
    page: bytes, session: AtlasSession, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConnectProxy(page=page) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        begin(ElsewhereSource)
        with pytest.raises(ProxyBlocksRoomError, match=proxy.address):
            await session.wait_live()


async def test_certificates_of_a_proxy_that_opens_tls_are_asked_for(
    atlas: LocalAtlasThread,
    session: AtlasSession,
    begin: Begin,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    context, _ = server_context(ROOM, tmp_path)
    with ConnectProxy() as proxy:
        proxy.lead(f"{ROOM}:443", "127.0.0.1", port_of(atlas), context)
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        begin(ElsewhereSource)
        with pytest.raises(ProxyBlocksRoomError, match="needs its certificate"):
            await session.wait_live()


@pytest.mark.parametrize(
    ("scheme", "request_end", "greeting"),
    [
        ("http", b"\r\n\r\n", b""),
        ("http", b"\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        ("socks5", b"\x05\x01\x00", b""),
        ("socks5", b"\x05\x01\x00", b"\x05\x00"),
        ("socks5", b"\x05\x01\x00", b"\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"),
    ],
)
async def test_a_proxy_that_keeps_silent_is_waited_for_once(
    scheme: str, request_end: bytes, greeting: bytes
) -> None:
    asked = 0

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(request_end)
        writer.write(greeting)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    tunnel = ProxyTunnel(Proxy(scheme, "127.0.0.1", server.sockets[0].getsockname()[1]), limit_s=0.5)
    await tunnel.open()
    for _ in range(3):
        reader, writer = await connect_through(tunnel.address)
        async with asyncio.timeout(10):
            assert await reader.read() in (b"", b"HTTP/1.1 200 Connection established\r\n\r\n")
        writer.close()
    assert asked == 1
    assert tunnel.is_silent
    await tunnel.aclose()
    server.close()
    await server.wait_closed()


async def test_a_proxy_that_dies_in_a_session_is_named(
    atlas: LocalAtlasThread,
    session: AtlasSession,
    begin: Begin,
    monkeypatch: pytest.MonkeyPatch,
    tls: ssl.SSLContext,
) -> None:
    with ConnectProxy() as proxy:
        proxy.lead(f"{ROOM}:443", "127.0.0.1", port_of(atlas), tls)
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        begin(ElsewhereSource)
        assert await session.wait_live()
    life = await asyncio.wait_for(session.ended(), 60)
    assert isinstance(life, Failed)
    assert isinstance(life.error, ProxyLostError)
    assert proxy.address in str(life.error)


async def test_a_room_whose_proxy_is_named_badly_is_not_joined(
    session: AtlasSession, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "quic://127.0.0.1:1080")
    begin(ElsewhereSource)
    with pytest.raises(BadProxyError, match="ALL_PROXY: it is no http://"):
        await session.wait_live()


@pytest.mark.parametrize("scheme", ["socks", "socks5h", "socks4a"])
async def test_a_room_elsewhere_is_reached_through_a_socks_proxy(
    scheme: str,
    atlas: LocalAtlasThread,
    session: AtlasSession,
    begin: Begin,
    monkeypatch: pytest.MonkeyPatch,
    tls: ssl.SSLContext,
) -> None:
    with SocksProxy() as proxy:
        proxy.lead(f"{ROOM}:443", "127.0.0.1", port_of(atlas), tls)
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{proxy.address}/")
        begin(ElsewhereSource)
        assert await session.wait_live()
        assert set(proxy.targets) == {f"{ROOM}:443"}


async def test_a_socks_proxy_is_given_its_password(
    atlas: LocalAtlasThread,
    session: AtlasSession,
    begin: Begin,
    monkeypatch: pytest.MonkeyPatch,
    tls: ssl.SSLContext,
) -> None:
    with SocksProxy(credentials=f"ann:{PASSWORD}", in_pieces=True) as proxy:
        proxy.lead(f"{ROOM}:443", "127.0.0.1", port_of(atlas), tls)
        monkeypatch.setenv("https_proxy", f"socks5://ann:{WRITTEN}@{proxy.address}")
        begin(ElsewhereSource)
        assert await session.wait_live()
        assert set(proxy.given) == {f"ann:{PASSWORD}"}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (partial(SocksProxy, code=2), "not allowed by ruleset"),
        (partial(SocksProxy, credentials="ann:other"), "password"),
    ],
)
async def test_a_socks_proxy_that_refuses_is_named_and_its_password_is_not(
    kind: Callable[[], ConnectProxy],
    words: str,
    session: AtlasSession,
    begin: Begin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with kind() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"socks5://ann:{WRITTEN}@{proxy.address}")
        begin(ElsewhereSource)
        with pytest.raises(RoomProxyError, match=words) as caught:
            await session.wait_live()
    assert f"socks5://{proxy.address}" in str(caught.value)
    assert WRITTEN not in str(caught.value)
    assert PASSWORD not in str(caught.value)


async def test_a_room_by_tls_is_reached_through_the_proxy_for_https(
    atlas: LocalAtlasThread,
    session: AtlasSession,
    begin: Begin,
    monkeypatch: pytest.MonkeyPatch,
    tls: ssl.SSLContext,
    dead_port: int,
) -> None:
    with ConnectProxy(credentials="ann:") as proxy:
        proxy.lead(f"{ROOM}:443", "127.0.0.1", port_of(atlas), tls)
        monkeypatch.setenv("HTTPS_PROXY", f"ann@{proxy.address}")
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{dead_port}")
        begin(ElsewhereSource)
        assert await session.wait_live()
        assert proxy.targets == [f"{ROOM}:443"]


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_plain_room_elsewhere_is_not_joined_whatever_leads_there(
    scheme: str,
    atlas: LocalAtlasThread,
    session: AtlasSession,
    begin: Begin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with SocksProxy() if scheme == "socks5" else ConnectProxy() as proxy:
        proxy.lead(f"{ROOM}:80", "127.0.0.1", port_of(atlas))
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{proxy.address}")
        begin(PlainSource)
        with pytest.raises(PlainRoomError, match=ROOM):
            await session.wait_live()
        await session.ended()
        assert not atlas.accounts.active
        assert proxy.targets == []


async def test_media_that_does_not_come_through_is_told_from_signalling(
    atlas: LocalAtlasThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The SDK takes a minute until it says so: four times 15 s.
    words = "engine: connection error: wait_pc_connection timed out"
    with ConnectProxy() as proxy:
        proxy.lead(f"{ROOM}:80", "127.0.0.1", port_of(atlas))
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
        route = await RoomRoute.open(f"ws://{ROOM}")
        assert isinstance(route.error_for(words), RoomRefusedError)
        way = subprocess.check_output(["printenv", "HTTP_PROXY"], text=True).strip()
        reader, writer = await connect_through(way)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        error = route.error_for(words)
        assert isinstance(error, ProxyBlocksMediaError)
        assert f"allow UDP to {ROOM}" in str(error)
        assert isinstance(route.error_for("signal failure: 401"), RoomRefusedError)
        writer.close()
        await route.aclose()


async def test_others_on_this_computer_cannot_borrow_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with ConnectProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
        route = await RoomRoute.open(f"ws://{ROOM}")
        way = urlsplit(subprocess.check_output(["printenv", "HTTP_PROXY"], text=True).strip())
        reader, writer = await asyncio.open_connection(way.hostname, way.port)
        writer.write(f"CONNECT {ROOM}:80 HTTP/1.1\r\n\r\n".encode())
        assert await reader.read() == b""
        assert proxy.targets == []
        writer.close()
        await route.aclose()


async def test_a_crowd_of_strangers_does_not_close_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with ConnectProxy(refusal="403 No") as proxy, contextlib.ExitStack() as crowd:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
        route = await RoomRoute.open(f"ws://{ROOM}")
        way = urlsplit(subprocess.check_output(["printenv", "HTTP_PROXY"], text=True).strip())
        place = (way.hostname, way.port)
        first, *_ = [crowd.enter_context(socket.create_connection(place, 20)) for _ in range(40)]
        secret = b64encode(f"{way.username}:{way.password}".encode()).decode()
        reader, writer = await asyncio.open_connection(*place)
        writer.write(f"CONNECT {ROOM}:80 HTTP/1.1\r\nProxy-Authorization: Basic {secret}\r\n\r\n".encode())
        await reader.read()
        writer.close()
        assert proxy.targets == [f"{ROOM}:80"]
        # Sooner than one without a request is hung up on anyway.
        first.settimeout(5)
        assert first.recv(1) == b""
        await route.aclose()


async def test_the_native_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def native() -> str:
        return subprocess.check_output(["printenv", "HTTPS_PROXY"], text=True).strip()

    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    first, second = await RoomRoute.open("ws://localhost:1"), await RoomRoute.open("ws://localhost:2")
    assert native() == ""
    await first.aclose()
    assert native() == ""
    await second.aclose()
    assert native() == "http://proxy.example:3128"


async def test_what_the_person_set_is_left_as_it_was(
    session: AtlasSession, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    begin()
    assert await session.wait_live()
    assert os.environ["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert proxies.child_environment()["HTTPS_PROXY"] == "http://proxy.example:3128"


async def connect_through(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Asks for the room as the SDK does."""
    way = urlsplit(address)
    reader, writer = await asyncio.open_connection(way.hostname, way.port)
    secret = b64encode(f"{way.username}:{way.password}".encode()).decode()
    writer.write(f"CONNECT {ROOM}:80 HTTP/1.1\r\nProxy-Authorization: Basic {secret}\r\n\r\n".encode())
    return reader, writer


def port_of(atlas: LocalAtlasThread) -> int:
    return int(atlas.base.rpartition(":")[2])
