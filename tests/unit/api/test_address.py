import pytest

from atlas_desktop.api.address import (
    DEFAULT_BASE,
    below,
    checked_picture_url,
    checked_room_url,
    host_of,
    is_loopback,
    normalise_backend,
    normalise_base,
)
from atlas_desktop.errors import BadRoomAddressError, InsecureAddressError, PlainRoomError


@pytest.mark.parametrize(
    ("typed", "base"),
    [
        (DEFAULT_BASE, "https://api.atlasv1.com"),
        ("  https://API.AtlasV1.com/  ", "https://api.atlasv1.com"),
        ('"https://api.atlasv1.com/v1/"', "https://api.atlasv1.com"),
        ("api.atlasv1.com", "https://api.atlasv1.com"),
        ("https://example.org:8443/atlas/v1", "https://example.org:8443/atlas"),
        ("https://example.org/?a=b#c", "https://example.org"),
        ("http://127.0.0.1:8123/", "http://127.0.0.1:8123"),
        ("localhost:3000", "http://localhost:3000"),
        ("http://[::1]:9", "http://[::1]:9"),
    ],
)
def test_a_base_is_normalised(typed: str, base: str) -> None:
    assert normalise_base(typed) == base


@pytest.mark.parametrize(
    "typed",
    [
        "http://api.atlasv1.com",
        "http://192.168.1.5:8000",
        "ftp://127.0.0.1",
        "",
        "   ",
        "not an address",
        "https://",
        "https://host:port",
        "https://user:secret@host.example",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
        "ak_0123456789abcdef",
    ],
)
def test_other_addresses_are_refused(typed: str) -> None:
    with pytest.raises(InsecureAddressError):
        normalise_base(typed)


def test_a_refusal_shows_neither_password_nor_query_nor_key() -> None:
    for typed in (
        "https://me:hunter2@host.example/x",
        "http://host.example/?code=hunter2",
        "ak_hunter2hunter2",
    ):
        with pytest.raises(InsecureAddressError) as caught:
            normalise_backend(typed)
        assert "hunter2" not in str(caught.value)
        assert "hunter2" not in repr(caught.value)


def test_a_backend_keeps_its_path_and_query() -> None:
    url = normalise_backend("https://app.example/api/session/?code=1#top")
    assert url == "https://app.example/api/session?code=1"
    assert below(url, "ses_1", "viewer") == "https://app.example/api/session/ses_1/viewer?code=1"
    assert host_of(url) == "app.example"


def test_a_picture_is_fetched_over_https_only() -> None:
    assert checked_picture_url(" https://a.example/f.png?x=1 ") == "https://a.example/f.png?x=1"
    for bad in ("http://127.0.0.1/f.png", "http://a.example/f.png", "file:///etc/passwd", "face.png"):
        with pytest.raises(InsecureAddressError):
            checked_picture_url(bad.replace("face.png", "///"))


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("http://127.8.9.1", True),
        ("http://LOCALHOST.", True),
        ("http://app.localhost:3", True),
        ("http://[::1]", True),
        ("http://0.0.0.0", False),
        ("http://10.0.0.1", False),
        ("http://localhost.example", False),
    ],
)
def test_loopback_is_told_apart(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback


@pytest.mark.parametrize(
    "address",
    [
        "wss://room.example",
        "WSS://room.example:8443/path?region=eu",
        "wss://10.0.0.7",
        "wss://räume.example",
        "ws://localhost",
        "ws://LocalHost.:7880/rtc",
        "ws://127.0.0.1:7880",
        "ws://127.9.9.9",
        "ws://[::1]:7880",
        "ws://[::ffff:127.0.0.1]",
    ],
)
def test_rooms_are_by_tls_or_on_this_computer(address: str) -> None:
    assert checked_room_url(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "ws://room.example",
        "ws://192.168.1.5:7880",
        "ws://localhost.evil.example",
        "ws://127.0.0.1.evil.example",
        "ws://evil-localhost",
        "ws://2130706433",
        "ws://0x7f000001",
        "ws://0177.0.0.1",
        "ws://127.1",
        "ws://0.0.0.0",
        "ws://[::]",
        "ws://[::ffff:10.0.0.1]",
        "ws://[64:ff9b::7f00:1]",
        "ws://ⓛocalhost",
        "ws://127。0。0。1",
    ],
)
def test_a_plain_room_elsewhere_is_refused(address: str) -> None:
    with pytest.raises(PlainRoomError, match="without encryption"):
        checked_room_url(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "room.example",
        "https://room.example",
        "wss://",
        "wss:room.example",
        "wss://[",
        "wss://[::1",
        "wss://host:99999",
        "wss://host:-1",
        "wss://host:0",
        "ws://127.0.0.1:0",
        "wss://me:hunter2@room.example",
        "wss://@room.example",
        "ws://127.0.0.1@evil.example",
        "ws://127.0.0.1#@evil.example",
        "wss://room.example#part",
        "wss://room.example#",
        "ws://evil.example\\.localhost",
        "ws://evil.example\\@127.0.0.1",
        "ws://127.0.0.1%00.evil.example",
        "ws://[::1%25eth0]",
        "wss://room example",
        "wss://room.example\n",
        "\x00wss://room.example",
        "wss://room.\ud800example",
        "wss://room.example/\u202e",
        "wss://" + "a" * 100_000,
    ],
)
def test_what_no_room_can_be_called_is_refused_and_no_password_shown(address: str) -> None:
    with pytest.raises(BadRoomAddressError) as caught:
        checked_room_url(address)
    said = str(caught.value)
    assert said.isprintable()
    assert "hunter2" not in said
    assert len(said) < 250
