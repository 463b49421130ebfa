"""The URL of a face leads to the internet only: not to this computer or its network, by no redirect."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from atlas_desktop.local_atlas.rest.face_input import FilteringResolver, fetch_face, is_public
from atlas_desktop.local_atlas.rest.http_messages import RefusedError
from tests.unit.local_atlas.toys import picture
from tests.unit.tls import server_context


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::1", False),
    ],
)
def test_which_addresses_are_on_the_internet(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:9/a.png",
        "https://[::1]:9/a.png",
        "https://[::ffff:127.0.0.1]:9/a.png",
        "https://0x7f.1:9/a.png",
        "https://2130706433:9/a.png",
        "https://localhost:9/a.png",
        "https://localhost.:9/a.png",
        "https://LOCALHOST:9/a.png",
        "https://printer.local/a.png",
        "https://169.254.169.254/latest/meta-data",
    ],
)
async def test_this_computer_and_its_network_are_not_asked(url: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        await fetch_face(url)
    assert refusal.value.reason == "face_url_unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "https://[::1",
        "https://a:99999/",
        "https://user:word@example.org/a.png",
        "https://user@example.org/a.png",
        "https:///a.png",
        "https://",
        "HTTP://example.org/a.png",
        "gopher://example.org/",
        "https://example.org/" + "a" * 3_000,
        "\ud800",
        "",
    ],
)
async def test_what_is_no_https_address_is_not_asked(url: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        await fetch_face(url)
    assert refusal.value.reason == "invalid_face_url"


async def test_a_name_is_known_by_the_addresses_that_it_has() -> None:
    refusing, taking = FilteringResolver(is_public), FilteringResolver(lambda address: address.is_loopback)
    with pytest.raises(OSError, match="internet"):
        await refusing.resolve("localhost", 443)
    found = await taking.resolve("localhost", 443)
    assert {one["host"] for one in found} <= {"127.0.0.1", "::1"}


Answer = Callable[[str, int], bytes]


@asynccontextmanager
async def serving(context: ssl.SSLContext, answer: Answer) -> AsyncIterator[tuple[str, list[str]]]:
    """A web server on loopback; gives its address and the paths that were asked for."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        asked.append(path)
        writer.write(answer(path, port))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"https://127.0.0.1:{port}", asked


def plain(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def onward(to: str) -> bytes:
    return plain(b"", "302 Found", f"Location: {to}\r\n")


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server that the client trusts."""
    context, trusted = server_context("127.0.0.1", tmp_path)
    trusting = ssl.create_default_context(cafile=str(trusted))
    monkeypatch.setattr("atlas_desktop.local_atlas.rest.face_input.trusted_context", lambda: trusting)
    return context


def here(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_loopback


async def test_a_face_is_fetched_over_redirects(context: ssl.SSLContext) -> None:
    def answer(path: str, port: int) -> bytes:
        steps = {"/a": onward("/b"), "/b": onward(f"https://127.0.0.1:{port}/c"), "/c": plain(picture())}
        return steps[path]

    async with serving(context, answer) as (base, asked):
        assert await fetch_face(f"{base}/a", here) == picture()
        assert asked == ["/a", "/b", "/c"]


@pytest.mark.parametrize(
    "to",
    [
        "https://10.0.0.1/a.png",
        "https://169.254.169.254/latest",
        "http://127.0.0.1:9/a.png",
        "file:///etc/passwd",
        "https://[::1",
        "//user:word@127.0.0.1/a.png",
        "\xff",
    ],
)
async def test_a_redirect_leads_nowhere_else(context: ssl.SSLContext, to: str) -> None:
    async with serving(context, lambda _path, _port: onward(to)) as (base, asked):
        with pytest.raises(RefusedError) as refusal:
            await fetch_face(f"{base}/a", here)
        assert refusal.value.status == 400
        assert asked[0] == "/a"


async def test_redirects_come_to_an_end(context: ssl.SSLContext) -> None:
    async with serving(context, lambda path, _port: onward(path + "x")) as (base, asked):
        with pytest.raises(RefusedError, match="without end"):
            await fetch_face(f"{base}/a", here)
        assert len(asked) == 6


@pytest.mark.parametrize(
    "content",
    [
        plain(b"no picture"),
        plain(b"\x1f\x8b\x08" + bytes(100), headers="Content-Encoding: gzip\r\n"),
        plain(bytes(20_000_100)),
        plain(b"", "500 Oh"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"no HTTP at all\r\n\r\n",
        b"",
    ],
)
async def test_what_comes_must_be_a_face(context: ssl.SSLContext, content: bytes) -> None:
    async with serving(context, lambda _path, _port: content) as (base, _):
        with pytest.raises(RefusedError) as refusal:
            await fetch_face(f"{base}/a", here)
        assert refusal.value.status == 400
