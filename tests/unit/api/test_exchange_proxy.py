"""REST through a real proxy: which way requests take, and what is said when there is none."""

import asyncio
import contextlib
import json
import ssl
from pathlib import Path

import pytest

from atlas_desktop import proxies
from atlas_desktop.api.http_source import AtlasSource
from atlas_desktop.api.source import Mode
from atlas_desktop.errors import (
    AppError,
    BadProxyError,
    CertificatesError,
    ProxyRefusedError,
    UnreachableError,
    UntrustedError,
)
from atlas_desktop.guard.session_creator import create_definitely_failed
from atlas_desktop.proxies import ProxyMode, ProxySetting
from tests.unit.api.conftest import HOST
from tests.unit.connect_proxy import ConnectProxy
from tests.unit.tls import server_context

pytestmark = pytest.mark.usefixtures("bare_network")

KEY = "ak_0123456789abcdef"


class Service:
    """An Atlas that knows one session, over TLS. Counts the requests."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.requests = 0
        self.heads: list[str] = []
        self.port = 0
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Service":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        if self._serving is not None:
            await self._serving
        self._server.close()
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving = asyncio.ensure_future(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            self.requests += 1
            body = json.dumps({"session_id": "ses_0", "status": "active"}).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            writer.write(head + body)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def status_of(base: str = f"https://{HOST}") -> str:
    source = AtlasSource(KEY, base)
    try:
        return (await source.status("ses_0")).status
    finally:
        await source.aclose()


async def create_error() -> AppError:
    source = AtlasSource(KEY, f"https://{HOST}")
    try:
        await source.create(Mode.PASSTHROUGH, None)
    except AppError as error:
        return error
    finally:
        await source.aclose()
    raise AssertionError("it went through")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("scheme", ["http://", ""])
async def test_requests_go_through_the_proxy_with_name_and_password(
    name: str, scheme: str, trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConnectProxy(credentials="an@n:p:w%") as proxy:
        async with Service(trusted) as service:
            proxy.lead(f"{HOST}:443", "127.0.0.1", service.port, trusted)
            monkeypatch.setenv(name, f"{scheme}an%40n:p%3Aw%25@{proxy.address}")
            assert await status_of() == "active"
        assert proxy.targets == [f"{HOST}:443"]


async def test_the_key_goes_to_the_service_alone_and_the_password_to_the_proxy_alone(
    trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConnectProxy(credentials="ann:p-secret") as proxy:
        async with Service(trusted) as service:
            proxy.lead(f"{HOST}:443", "127.0.0.1", service.port, trusted)
            monkeypatch.setenv("HTTPS_PROXY", f"http://ann:p-secret@{proxy.address}")
            await status_of()
        assert f"Bearer {KEY}" in service.heads[0]
        assert "proxy-authorization" not in service.heads[0].lower()
        assert proxy.given[0]
        assert KEY not in proxy.heads[0]


async def test_a_password_that_a_proxy_says_again_is_blanked(monkeypatch: pytest.MonkeyPatch) -> None:
    with ConnectProxy(refusal="407 ANN:P-SECRET-OF-ANN (YW5uOnAtc2VjcmV0LW9mLWFubg==)") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ann:p-secret-of-ann@{proxy.address}")
        said = str(await create_error())
    assert "[secret]" in said
    assert "p-secret" not in said.lower()
    assert "YW5u" not in said


async def test_a_change_of_the_setting_holds_from_the_next_call_on(trusted: ssl.SSLContext) -> None:
    setting = ProxySetting()
    proxies.set_provider(lambda: setting)
    with ConnectProxy() as first, ConnectProxy() as second:
        async with Service(trusted) as service:
            source = AtlasSource(KEY, f"https://{HOST}")
            for proxy in (first, second):
                proxy.lead(f"{HOST}:443", "127.0.0.1", service.port, trusted)
                setting = ProxySetting(ProxyMode.ADDRESS, proxy.address)
                await source.status("ses_0")
            await source.aclose()
        assert [len(first.targets), len(second.targets), service.requests] == [1, 1, 2]


async def test_this_computer_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    with ConnectProxy() as proxy:
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        for host in ("127.0.0.1", "localhost", "[::1]", "atlas.localhost"):
            with pytest.raises(UnreachableError):
                await status_of(f"http://{host}:9")
        assert proxy.targets == []


@pytest.mark.parametrize(
    ("refusal", "words"), [("", "407"), ("403 Blocked", "403 Blocked"), ("502 Bad Gateway", "502 Bad")]
)
async def test_a_proxy_that_refuses_is_named_and_nothing_was_made(
    refusal: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConnectProxy(credentials="ann:secret", refusal=refusal) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ann:other@{proxy.address}")
        error = await create_error()
    assert isinstance(error, ProxyRefusedError)
    assert create_definitely_failed(error)
    assert words in str(error)
    assert proxy.address in str(error)
    assert "other" not in str(error)
    assert "ann" not in str(error)


@pytest.mark.parametrize(
    ("variables", "kind", "words"),
    [
        ({"HTTPS_PROXY": "http://127.0.0.1:9"}, ProxyRefusedError, "http://127.0.0.1:9"),
        ({"ALL_PROXY": "socks5://127.0.0.1:9"}, ProxyRefusedError, "socks5://127.0.0.1:9"),
        ({"ALL_PROXY": "socks5://127.0.0.1"}, ProxyRefusedError, "socks5://127.0.0.1:1080"),
        ({"ALL_PROXY": "quic://127.0.0.1:9"}, BadProxyError, "ALL_PROXY: it is no http://"),
        ({"HTTPS_PROXY": "http://[fe80::1%25none]:9"}, ProxyRefusedError, "[fe80::1%none]:9"),
        ({"HTTPS_PROXY": "http://127.0.0.1:none"}, BadProxyError, "HTTPS_PROXY: it is no address"),
        ({"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "::1/128"}, ProxyRefusedError, "127.0.0.1:9"),
        ({"SSL_CERT_FILE": "/nowhere/roots.pem"}, CertificatesError, "SSL_CERT_FILE"),
        ({"SSL_CERT_FILE": __file__}, CertificatesError, "SSL_CERT_FILE"),
    ],
)
async def test_what_is_wrong_in_the_environment_is_named_and_nothing_was_sent(
    variables: dict[str, str], kind: type[AppError], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    error = await create_error()
    assert isinstance(error, kind)
    assert create_definitely_failed(error)
    assert words in str(error)


async def test_a_proxy_that_opens_encrypted_connections_is_told_from_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, _file = server_context(HOST, tmp_path)
    with ConnectProxy() as proxy:
        async with Service(context) as service:
            proxy.lead(f"{HOST}:443", "127.0.0.1", service.port, context)
            monkeypatch.setenv("HTTPS_PROXY", proxy.address)
            error = await create_error()
        assert service.requests == 0
    assert isinstance(error, UntrustedError)
    assert create_definitely_failed(error)
