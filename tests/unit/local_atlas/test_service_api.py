"""The local Atlas over HTTP, as any client meets it: bare httpx, no code of ours in between."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.unit.local_atlas.atlas_thread import LocalAtlasThread
from tests.unit.local_atlas.toys import StillAvatars, picture

SESSION = "/v1/realtime/session"


@pytest.fixture(scope="module")
def running() -> Iterator[LocalAtlasThread]:
    with LocalAtlasThread(StillAvatars().create) as atlas:
        yield atlas


@pytest.fixture
def atlas(running: LocalAtlasThread) -> Iterator[LocalAtlasThread]:
    yield running
    running.accounts.credit_cents = 10_000
    running.accounts.terms.capacity = 50
    running.accounts.terms.requests_per_minute = 1200
    running.accounts.terms.max_duration_s = 14_400.0


@pytest.fixture
async def client(atlas: LocalAtlasThread) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {atlas.key}"}
    async with httpx.AsyncClient(base_url=atlas.base, headers=headers, verify=False) as client:
        yield client


async def create(client: httpx.AsyncClient, mode: str = "conversation") -> str:
    answer = await client.post(SESSION, json={"mode": mode})
    assert answer.status_code == 200
    return str(answer.json()["session_id"])


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.json()["error"] == code
    assert answer.json()["message"]


async def test_the_open_calls_need_no_key(atlas: LocalAtlasThread) -> None:
    async with httpx.AsyncClient(base_url=atlas.base, verify=False) as stranger:
        index = (await stranger.get("/")).json()
        assert index.keys() >= {"name", "version", "endpoints"}
        assert (await stranger.get("/v1/health")).json()["status"] == "ok"
        for method, path in (
            ("GET", "/v1/me"),
            ("POST", SESSION),
            ("GET", "/local/books"),
            ("GET", "/nowhere"),
        ):
            refused(await stranger.request(method, path), 401, "unauthorized")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ak_wrong", "Basic {key}", "Bearer {key}x", "Bearer é"]
)
async def test_only_the_key_opens(atlas: LocalAtlasThread, header: str) -> None:
    value = header.format(key=atlas.key).encode()
    async with httpx.AsyncClient(base_url=atlas.base, verify=False) as stranger:
        refused(await stranger.get("/v1/me", headers={b"Authorization": value}), 401, "unauthorized")


async def test_another_host_name_is_refused(client: httpx.AsyncClient) -> None:
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", ""):
        refused(await client.get("/v1/me", headers={"Host": host}), 403, "forbidden_host")
    for host in ("localhost:1", "127.0.0.1"):
        assert (await client.get("/v1/me", headers={"Host": host})).status_code == 200


async def test_me_and_status(client: httpx.AsyncClient, atlas: LocalAtlasThread) -> None:
    me = (await client.get("/v1/me")).json()
    assert atlas.key.startswith(me["key_prefix"])
    assert len(me["key_prefix"]) < 12
    assert (await client.get("/v1/status")).json() == {
        "avatar_generation": "available",
        "voice_synthesis": "available",
    }


async def test_a_create_answers_as_the_contract_says(
    client: httpx.AsyncClient, atlas: LocalAtlasThread
) -> None:
    answer = (await client.post(SESSION, json={"mode": "passthrough"})).json()
    assert answer["livekit_url"] == atlas.base.replace("http", "ws")
    assert answer["mode"] == "passthrough"
    assert answer["pricing"].startswith("$7/hour")
    assert answer["max_duration_seconds"] == 14_400
    assert answer["token"].count(".") == 2
    assert answer["room"]
    status = (await client.get(f"{SESSION}/{answer['session_id']}")).json()
    assert status["room"] == answer["room"]
    assert status["ended_at"] is None
    assert (
        await client.get("/rtc/validate", headers={"Authorization": f"Bearer {answer['token']}"})
    ).text == "success"


async def test_an_end_happens_once(client: httpx.AsyncClient) -> None:
    session = f"{SESSION}/{await create(client)}"
    first = (await client.delete(session)).json()
    assert first["status"] == "ended"
    assert first["credits_deducted_cents"] == 1
    assert first["estimated_cost"] >= 0
    assert first["duration_seconds"] >= 0
    refused(await client.delete(session), 409, "already_ended")
    refused(await client.post(session + "/viewer"), 409, "session_not_active")
    refused(await client.patch(session, files={"face": picture()}), 409, "session_not_active")
    assert (await client.get(session)).json()["ended_at"]


async def test_what_is_unknown_is_404_in_atlas_shape(client: httpx.AsyncClient) -> None:
    refused(await client.get(f"{SESSION}/ses_nobody"), 404, "not_found")
    refused(await client.delete(f"{SESSION}/ses_nobody"), 404, "not_found")
    refused(await client.get("/v1/nowhere"), 404, "not_found")
    refused(await client.put(SESSION), 405, "method_not_allowed")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "invalid_json"),
        (b"[]", "invalid_json"),
        (b"\xff", "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b'{"mode": "karaoke"}', "invalid_mode"),
        (b'{"mode": ["conversation"]}', "invalid_mode"),
        (b'{"face_url": "http://a.example/a.png"}', "invalid_face_url"),
        (b'{"face_url": 7}', "invalid_face_url"),
        (b'{"face_url": "https://127.0.0.1:9/a.png"}', "face_url_unreachable"),
    ],
)
async def test_a_bad_create_makes_no_session(
    client: httpx.AsyncClient, atlas: LocalAtlasThread, content: bytes, code: str
) -> None:
    before = len(atlas.accounts.sessions)
    refused(await client.post(SESSION, content=content), 400, code)
    assert len(atlas.accounts.sessions) == before


@pytest.mark.parametrize(
    ("face", "code"),
    [
        (b"", "missing_face"),
        (b"text, renamed", "invalid_face"),
        (picture(63, 63), "invalid_face"),
        (picture(300, 300)[:-200], "invalid_face"),
        (picture(kind="GIF"), "invalid_face"),
        (b"\0" * 20_000_001, "face_too_large"),
    ],
)
async def test_a_face_is_checked(client: httpx.AsyncClient, face: bytes, code: str) -> None:
    answer = await client.post(SESSION, data={"mode": "conversation"}, files={"face": ("f.png", face)})
    refused(answer, 400, code)


async def test_a_patch_takes_a_file_only(client: httpx.AsyncClient) -> None:
    session = f"{SESSION}/{await create(client)}"
    refused(await client.patch(session, json={"face_url": "https://a.example/a.png"}), 400, "missing_face")
    refused(await client.patch(session, files={"other": picture()}), 400, "missing_face")
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    refused(await client.patch(session, content=b"--x\r\nnonsense", headers=form), 400, "invalid_form")
    answer = (await client.patch(session, files={"face": picture()})).json()
    assert answer.keys() == {"face_updated", "metadata_pushed", "message"}


async def test_a_viewer_gets_a_token_of_its_own(client: httpx.AsyncClient) -> None:
    session = f"{SESSION}/{await create(client)}"
    one, two = [(await client.post(session + "/viewer")).json() for _ in range(2)]
    assert one["role"] == "viewer"
    assert one["viewer_id"] != two["viewer_id"]
    assert one["token"] != two["token"]


async def test_no_capacity(client: httpx.AsyncClient, atlas: LocalAtlasThread) -> None:
    atlas.accounts.terms.capacity = len(atlas.accounts.active)
    refused(await client.post(SESSION, json={}), 503, "no_capacity")
    assert (await client.get("/v1/status")).json()["avatar_generation"] == "busy"


async def test_no_credit(client: httpx.AsyncClient, atlas: LocalAtlasThread) -> None:
    atlas.accounts.credit_cents = 0
    refused(await client.post(SESSION, json={}), 402, "insufficient_credits")


async def test_too_many_requests(client: httpx.AsyncClient, atlas: LocalAtlasThread) -> None:
    atlas.accounts.terms.requests_per_minute = 1
    answers = [await client.get("/v1/me") for _ in range(2)]
    refused(answers[-1], 429, "rate_limited")
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


async def test_a_session_ends_by_itself_at_its_limit(
    client: httpx.AsyncClient, atlas: LocalAtlasThread
) -> None:
    atlas.accounts.terms.max_duration_s = 0.2
    session_id = await create(client)
    entry = atlas.accounts.sessions[session_id]
    until_s = time.monotonic() + 3
    while entry.status == "active" and time.monotonic() < until_s:
        await asyncio.sleep(0.02)
    assert (entry.ended_by, entry.deducted_cents) == ("limit", 1)
    assert atlas.accounts.billed_s(entry) == 0.2
    refused(await client.delete(f"{SESSION}/{session_id}"), 409, "already_ended")


async def test_calls_are_noted_without_what_is_secret(
    client: httpx.AsyncClient, atlas: LocalAtlasThread
) -> None:
    await client.get("/rtc/v1", params={"access_token": "eyJsecret", "join_request": "x"})
    await client.get("/v1/me", headers={"Authorization": "Bearer ak_wrong"})
    assert [call.status for call in atlas.accounts.called("GET")][-2:] == [401, 401]
    report = str(atlas.accounts.report())
    assert "eyJsecret" not in report
    assert atlas.key not in report
    assert atlas.key not in repr(atlas.atlas)
