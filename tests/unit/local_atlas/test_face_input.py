"""Which faces the service accepts."""

import asyncio
import io

import pytest
from PIL import Image

from atlas_desktop.local_atlas.rest.face_input import FACE_LIMIT_BYTES, check_face, face_in, fetch_face
from atlas_desktop.local_atlas.rest.http_messages import RefusedError
from tests.unit.connect_proxy import ConnectProxy
from tests.unit.socks_proxy import SocksProxy


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 64), mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 120).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_three_formats_are_accepted_as_they_are(kind: str) -> None:
    content = picture(kind)
    assert await check_face(content) == content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "missing_face"),
        (b"GIF89a no", "invalid_face"),
        (picture("GIF", mode="L"), "invalid_face"),
        (picture("BMP"), "invalid_face"),
        (picture(size=(63, 200)), "invalid_face"),
        (picture(size=(300, 300))[:120], "invalid_face"),
        (picture("JPEG", (300, 300))[:-400], "invalid_face"),
        (bytes(FACE_LIMIT_BYTES + 1), "face_too_large"),
    ],
)
async def test_anything_else_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        await check_face(content)
    assert refusal.value.status == 400
    assert refusal.value.reason == reason


async def test_a_form_may_have_a_face() -> None:
    assert await face_in({}, "face") is None
    content = picture()
    assert await face_in({"face": content}, "face") == content
    with pytest.raises(RefusedError):
        await face_in({"face": "text"}, "face")


@pytest.mark.parametrize("url", ["http://example.org/a.png", "file:///etc/passwd", "https://", "nothing"])
async def test_only_https_addresses_are_fetched(url: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        await fetch_face(url)
    assert refusal.value.reason == "invalid_face_url"


async def test_an_address_that_does_not_answer_is_refused() -> None:
    with pytest.raises(RefusedError) as refusal:
        await fetch_face("https://127.0.0.1:9/face.png")
    assert refusal.value.reason == "face_url_unreachable"


async def test_a_face_is_fetched_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with ConnectProxy(credentials="an@n:p:w%", refusal="403 No") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://an%40n:p%3Aw%25@{proxy.address}")
        with pytest.raises(RefusedError):
            await fetch_face("https://faces.example/mira.png")
        assert proxy.targets == ["faces.example:443"]
        assert proxy.given == ["Basic YW5AbjpwOncl"]


@pytest.mark.parametrize("address", ["quic://127.0.0.1:9", "http://proxy:port"])
async def test_a_proxy_that_is_none_is_said_by_its_name(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", address)
    with pytest.raises(RefusedError, match="https_proxy"):
        await fetch_face("https://faces.example/mira.png")


@pytest.mark.parametrize("code", [0, 2])
async def test_a_face_is_fetched_through_a_socks_proxy(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("https_proxy", raising=False)
    async with asyncio.timeout(20):
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
        with SocksProxy(credentials="an@n:p:w%", code=code) as proxy:
            proxy.lead("faces.example:443", "127.0.0.1", server.sockets[0].getsockname()[1])
            monkeypatch.setenv("HTTPS_PROXY", f"socks5://an%40n:p%3Aw%25@{proxy.address}")
            with pytest.raises(RefusedError, match="could not be fetched"):
                await fetch_face("https://faces.example/mira.png")
            assert proxy.targets == ["faces.example:443"]
        server.close()
        await server.wait_closed()
