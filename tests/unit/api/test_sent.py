"""Whether a request that failed may have reached the service: it decides whether a session may exist."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from atlas_desktop.api.certificates import certificates
from atlas_desktop.api.exchange import Exchange
from atlas_desktop.api.http_source import AtlasSource
from atlas_desktop.api.mapping import mapped
from atlas_desktop.api.source import Mode
from atlas_desktop.errors import BadAnswerError, BadRoomAddressError, UnreachableError


@pytest.mark.parametrize(
    ("foreign", "sent"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("slow"), False),
        (httpx.PoolTimeout("busy"), False),
        (httpx.ProxyError("403"), False),
        (httpx.InvalidURL("odd"), False),
        (httpx.ReadTimeout("slow"), True),
        (httpx.WriteTimeout("slow"), True),
        (httpx.ReadError("cut"), True),
        (httpx.WriteError("cut"), True),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), True),
        (TimeoutError(), True),
        (OSError("odd"), True),
    ],
)
def test_only_what_never_had_a_connection_was_not_sent(foreign: Exception, sent: bool) -> None:
    with pytest.raises(UnreachableError) as caught, mapped("atlas.example"):
        raise foreign
    assert caught.value.params["sent"] is sent


async def test_a_closed_port_was_sent_nothing() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    source = AtlasSource("ak_x", f"http://127.0.0.1:{port}")
    with pytest.raises(UnreachableError) as caught:
        await source.create(Mode.CONVERSATION, None)
    assert caught.value.params["sent"] is False
    await source.aclose()


@pytest.fixture
async def mute() -> AsyncIterator[str]:
    """A server that takes a request and hangs up."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_connection_that_breaks_after_the_request_may_have_made_one(mute: str) -> None:
    source = AtlasSource("ak_x", mute)
    with pytest.raises(UnreachableError) as caught:
        await source.create(Mode.CONVERSATION, None)
    assert caught.value.params["sent"] is True
    await source.aclose()


async def test_a_closed_source_sends_nothing() -> None:
    exchange = Exchange("https://atlas.example", None)
    await exchange.aclose()
    with pytest.raises(UnreachableError) as caught:
        await exchange.call("GET", "https://atlas.example/", 1.0)
    assert caught.value.params["sent"] is False


def answering(*answers: httpx.Response) -> AtlasSource:
    waiting = list(answers)
    return AtlasSource("ak_x", transport=httpx.MockTransport(lambda _request: waiting.pop(0)))


USELESS = {"session_id": "ses_1", "token": "t", "livekit_url": "http://room"}


async def test_an_answer_that_cannot_be_used_tells_that_its_session_is_open() -> None:
    # Nothing else is asked: who keeps the session writes its id down first, then ends it.
    source = answering(httpx.Response(200, json=USELESS))
    with pytest.raises(BadRoomAddressError) as caught:
        await source.create(Mode.CONVERSATION, None)
    assert caught.value.params["session_id"] == "ses_1"


@pytest.mark.logs("is not confirmed")
@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_backend_without_a_delete_says_nothing_about_the_session(status: int) -> None:
    source = answering(httpx.Response(status, html="<title>no such call</title>"))
    assert not (await source.end("ses_1")).confirmed


def test_an_answer_of_another_kind_was_an_answer() -> None:
    with pytest.raises(BadAnswerError), mapped("atlas.example"):
        raise httpx.DecodingError("bad gzip")


def test_the_certificates_are_loaded_once() -> None:
    assert certificates() is certificates()
