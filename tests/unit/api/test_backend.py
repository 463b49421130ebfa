"""``BackendSource``: both spellings, both answers, an optional bearer."""

import json

import httpx
import pytest

from atlas_desktop.api.http_source import BackendSource
from atlas_desktop.api.source import Face, Mode, SessionSource
from atlas_desktop.errors import ConflictError, InsecureAddressError, NotFoundError, RejectedError

URL = "https://app.example/api/atlas"


class Backend:
    """A backend that answers the same to everything and remembers what it was asked."""

    def __init__(self, status: int, body: object) -> None:
        self.answer = httpx.Response(status, json=body)
        self.asked: list[httpx.Request] = []

    def source(self, bearer: str | None = None, url: str = URL) -> BackendSource:
        return BackendSource(url, bearer, transport=httpx.MockTransport(self._handle))

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [
        {"session_id": "ses_1", "livekit_url": "wss://r.example", "token": "t"},
        {"sessionId": "ses_1", "livekitUrl": "wss://r.example", "token": "t"},
    ],
)
async def test_both_answers_are_understood(answer: dict[str, str]) -> None:
    source: SessionSource = Backend(200, answer).source()
    grant = await source.create(Mode.CONVERSATION, None)
    assert (grant.session_id, grant.livekit_url, grant.token) == ("ses_1", "wss://r.example", "t")
    assert grant.price_per_hour_usd == 10.0
    assert (source.label, source.billed) == ("app.example", True)


async def test_a_face_url_is_sent_in_both_spellings() -> None:
    backend = Backend(200, {"sessionId": "s", "livekitUrl": "wss://r.example", "token": "t"})
    await backend.source().create(Mode.PASSTHROUGH, Face(url="https://p.example/a.png"))
    face = "https://p.example/a.png"
    assert json.loads(backend.asked[0].content) == {"mode": "passthrough", "faceUrl": face, "face_url": face}
    assert str(backend.asked[0].url) == URL
    assert "authorization" not in backend.asked[0].headers


async def test_the_bearer_is_sent_and_the_paths_are_below_the_url() -> None:
    backend = Backend(200, {"status": "ended", "token": "t", "livekit_url": "wss://r.example"})
    source = backend.source("letmein", URL + "/?tenant=7")
    await source.end("a/b")
    await source.viewer("s")
    await source.patch_face("s", Face(content=b"png"))
    await source.status("s")
    assert [f"{request.method} {request.url}" for request in backend.asked] == [
        f"DELETE {URL}/a%2Fb?tenant=7",
        f"POST {URL}/s/viewer?tenant=7",
        f"PATCH {URL}/s?tenant=7",
        f"GET {URL}/s?tenant=7",
    ]
    assert {request.headers["authorization"] for request in backend.asked} == {"Bearer letmein"}


@pytest.mark.logs("is not confirmed")
async def test_a_404_on_viewer_or_face_means_not_offered() -> None:
    source = Backend(404, {"error": "not_found", "message": "Nope."}).source()
    with pytest.raises(RejectedError, match="does not offer viewers"):
        await source.viewer("s")
    with pytest.raises(RejectedError, match="does not offer another face"):
        await source.patch_face("s", Face(content=b"png"))
    with pytest.raises(NotFoundError):
        await source.status("s")
    assert (await source.end("s")).confirmed is False


async def test_its_errors_have_atlas_shape() -> None:
    with pytest.raises(ConflictError):
        await Backend(409, {"error": "busy", "message": "Wait."}).source().create(Mode.CONVERSATION, None)


def test_only_https_or_this_computer() -> None:
    assert BackendSource("http://localhost:3000/api/session/").url == "http://localhost:3000/api/session"
    with pytest.raises(InsecureAddressError):
        BackendSource("http://app.example/api/atlas")
