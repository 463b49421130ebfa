"""Faults ordered over HTTP, as a test in another process does."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from atlas_desktop.local_atlas.interfaces import MalformedPacket, RoomOptions
from atlas_desktop.local_atlas.rest.fault_injector import apply_fault
from atlas_desktop.local_atlas.rest.fault_orders import RestFault, RoomFault, fill
from atlas_desktop.local_atlas.rest.http_messages import RefusedError
from atlas_desktop.local_atlas.rooms.room import Room
from tests.unit.local_atlas.atlas_thread import LocalAtlasThread
from tests.unit.local_atlas.toys import StillAvatars

SESSION = "/v1/realtime/session"


@pytest.fixture(scope="module")
def running() -> Iterator[LocalAtlasThread]:
    with LocalAtlasThread(StillAvatars().create) as atlas:
        yield atlas


@pytest.fixture
async def client(running: LocalAtlasThread) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {running.key}"}
    async with httpx.AsyncClient(base_url=running.base, headers=headers, verify=False) as client:
        yield client
        await client.delete("/local/faults")


async def order(client: httpx.AsyncClient, **fault: Any) -> None:
    assert (await client.post("/local/faults", json={"rest": fault})).status_code == 200


async def test_a_fault_strikes_as_often_as_ordered(client: httpx.AsyncClient) -> None:
    await order(client, method="get", path="/v1/me", status=503, times=2)
    statuses = [(await client.get("/v1/me")).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]
    await order(client, path="/v1/*", status=500, times=0)
    assert {(await client.get("/v1/me")).status_code for _ in range(4)} == {500}
    assert (await client.get("/")).status_code == 200
    assert len((await client.get("/local/faults")).json()["rest"]) == 1
    await client.delete("/local/faults")
    assert (await client.get("/v1/me")).status_code == 200


@pytest.mark.parametrize(
    ("fault", "content_type", "text"),
    [
        ({"status": 502, "body": "html"}, "text/html", "<title>502 Bad Gateway</title>"),
        ({"status": 500, "body": "text", "message": "oh"}, "text/plain", "oh"),
        ({"status": 401}, "application/json", '"unauthorized"'),
        ({"status": 409, "error": "odd_thing"}, "application/json", '"odd_thing"'),
    ],
)
async def test_spoiled_bodies(client: httpx.AsyncClient, fault: Any, content_type: str, text: str) -> None:
    await order(client, **fault)
    answer = await client.get("/v1/me")
    assert answer.status_code == fault["status"]
    assert answer.headers["content-type"].startswith(content_type)
    assert text in answer.text


async def test_delay_and_retry_after(client: httpx.AsyncClient) -> None:
    await order(client, status=429, retry_after=3, delay_s=0.15)
    began_s = time.monotonic()
    answer = await client.get("/v1/me")
    assert time.monotonic() - began_s >= 0.15
    assert answer.headers["Retry-After"] == "3"


async def test_a_dropped_call_and_a_lost_answer(client: httpx.AsyncClient, running: LocalAtlasThread) -> None:
    before = len(running.accounts.sessions)
    await order(client, method="POST", path=SESSION, drop=True)
    with pytest.raises(httpx.TransportError):
        await client.post(SESSION, json={})
    assert len(running.accounts.sessions) == before
    await order(client, method="POST", path=SESSION, drop=True, carried_out=True)
    with pytest.raises(httpx.TransportError):
        await client.post(SESSION, json={})
    assert len(running.accounts.sessions) == before + 1
    assert [call.status for call in running.accounts.called("POST", SESSION)][-2:] == [0, 0]


async def test_a_hanging_call_hangs(client: httpx.AsyncClient) -> None:
    await order(client, hang=True)
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/v1/me", timeout=0.2)


async def test_a_changed_answer(client: httpx.AsyncClient) -> None:
    await order(client, method="POST", change={"token": None, "livekit_url": "http://x", "new": [1]})
    answer = (await client.post(SESSION, json={})).json()
    assert "token" not in answer
    assert (answer["livekit_url"], answer["new"]) == ("http://x", [1])
    await client.delete(f"{SESSION}/{answer['session_id']}")


@pytest.mark.parametrize(
    "body",
    [
        "text",
        {},
        {"other": {}},
        {"rest": 1},
        {"rest": {"nonsense": 1}},
        {"rest": {"status": "503"}},
        {"rest": {"times": True}},
        {"rest": {"body": "yaml"}},
        {"room": {"session": "ses_nobody", "order": "freeze"}},
        {"rooms": {"late_avatar_s": "soon"}},
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(client: httpx.AsyncClient, body: Any) -> None:
    answer = await client.post("/local/faults", json=body)
    assert answer.status_code in (400, 404)
    assert answer.json()["message"]
    assert (await client.get("/local/faults")).json()["rest"] == []


async def test_rooms_open_with_the_options_ordered(
    client: httpx.AsyncClient, running: LocalAtlasThread
) -> None:
    await client.post("/local/faults", json=[{"rooms": {"late_avatar_s": 2, "transcripts": "legacy"}}])
    session_id = (await client.post(SESSION, json={})).json()["session_id"]
    room = running.atlas.rooms.room(session_id)
    assert room is not None
    assert (room.options.late_avatar_s, room.options.transcripts) == (2.0, "legacy")
    assert (await client.post("/local/faults", json={"room": {"order": "refuse_resume"}})).status_code == 200
    assert room.options.refuse_resume
    unknown = await client.post("/local/faults", json={"room": {"session": session_id, "order": "explode"}})
    assert unknown.json()["error"] == "unknown_order"
    await client.delete("/local/faults")
    later = running.atlas.rooms.room((await client.post(SESSION, json={})).json()["session_id"])
    assert later is not None
    assert later.options == RoomOptions()


async def test_the_books_over_http(client: httpx.AsyncClient, running: LocalAtlasThread) -> None:
    session_id = (await client.post(SESSION, json={})).json()["session_id"]
    books = (await client.get("/local/books")).json()
    assert session_id in {entry["session_id"] for entry in books["sessions"]}
    assert books["rooms"][session_id]["people"] == []
    assert books["calls"][-1]["path"] == SESSION
    terms = {"prices_per_hour_usd": {"conversation": 12}, "max_duration_s": None, "pricing": "$12/hour"}
    changed = await client.patch("/local/books", json={"credit_cents": 5, "terms": terms})
    assert changed.json()["credit_cents"] == 5
    assert running.accounts.terms.prices_per_hour_usd == {"conversation": 12, "passthrough": 7.0}
    answer = (await client.post(SESSION, json={})).json()
    assert (answer["pricing"], answer["max_duration_seconds"]) == ("$12/hour", None)
    for bad in ({"x": 1}, {"terms": 1}, {"credit_cents": "5"}, {"terms": {"capacity": None}}):
        assert (await client.patch("/local/books", json=bad)).status_code == 400


class RoomOfOrders(Room):
    """Records which orders reach a room."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def drop_media(self, seconds: float | None = None) -> None:
        self.heard.append(("drop_media", seconds))

    def freeze(self, seconds: float | None = None) -> None:
        self.heard.append(("freeze", seconds))

    def close_socket(self) -> None:
        self.heard.append(("close_socket",))

    def refuse_resume(self, refuse: bool) -> None:
        self.heard.append(("refuse_resume", refuse))

    def vanish(self) -> None:
        self.heard.append(("vanish",))

    def malformed(self, kind: MalformedPacket) -> None:
        self.heard.append(("malformed", kind))

    def replace_video_track(self) -> None:
        self.heard.append(("replace_video_track",))

    def drop_network(self, seconds: float | None = None) -> None:
        self.heard.append(("drop_network", seconds))

    def return_avatar(self) -> None:
        self.heard.append(("return_avatar",))

    def mute_tracks(self, muted: bool) -> None:
        self.heard.append(("mute_tracks", muted))

    def disconnect(self, reason: str) -> None:
        self.heard.append(("disconnect", reason))

    def expel(self) -> None:
        self.heard.append(("expel",))


@pytest.mark.parametrize(
    ("fields", "heard"),
    [
        ({"order": "freeze", "seconds": 2}, [("freeze", 2.0)]),
        ({"order": "freeze"}, [("freeze", None)]),
        ({"order": "drop_media", "seconds": 0.5}, [("drop_media", 0.5)]),
        ({"order": "close_socket"}, [("close_socket",)]),
        ({"order": "refuse_resume", "refuse": False}, [("refuse_resume", False)]),
        ({"order": "vanish"}, [("vanish",)]),
        ({"order": "malformed", "kind": "bad_json"}, [("malformed", MalformedPacket.BAD_JSON)]),
        ({"order": "malformed"}, [("malformed", kind) for kind in MalformedPacket]),
        ({"order": "replace_video_track"}, [("replace_video_track",)]),
        ({"order": "expel"}, [("expel",)]),
        ({"order": "drop_network", "seconds": 3}, [("drop_network", 3.0)]),
        ({"order": "return_avatar"}, [("return_avatar",)]),
        ({"order": "mute_tracks"}, [("mute_tracks", True)]),
        ({"order": "mute_tracks", "muted": False}, [("mute_tracks", False)]),
        ({"order": "disconnect"}, [("disconnect", "ROOM_DELETED")]),
        ({"order": "disconnect", "reason": "MIGRATION"}, [("disconnect", "MIGRATION")]),
    ],
)
def test_each_order_reaches_the_room(fields: dict[str, Any], heard: list[Any]) -> None:
    room = RoomOfOrders()
    apply_fault(fill(RoomFault(), fields), room)
    assert room.heard == heard


@pytest.mark.parametrize(
    "fields",
    [
        {"order": "dance"},
        {"order": "disconnect", "reason": "boredom"},
        {"order": "malformed", "kind": "odd"},
        {},
    ],
)
def test_other_orders_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        apply_fault(fill(RoomFault(), fields), RoomOfOrders())


def test_a_fault_matches_by_method_and_path() -> None:
    fault = RestFault(method="delete", path="/v1/realtime/session/*")
    assert fault.matches("DELETE", "/v1/realtime/session/ses_1")
    assert not fault.matches("GET", "/v1/realtime/session/ses_1")
    assert not fault.matches("DELETE", "/v1/jobs")
    assert RestFault().matches("GET", "/anything")
