"""Paid sessions through the guard: the orders that each call of a source becomes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from atlas_desktop.api.access import Access
from atlas_desktop.api.source import Face, Mode, SessionSource, SourceKind
from tests.unit.session.fake_guard import Guards, Watched

ADDRESS = "https://api.example.com:8443/v1?x=1"


@pytest.fixture
def guards() -> Guards:
    return Guards()


@pytest.fixture
async def source(guards: Guards, tmp_path: Path) -> AsyncIterator[SessionSource]:
    guard = Watched(tmp_path, guards)
    yield guard.open(Access(SourceKind.ATLAS, "ak_secret", ADDRESS))
    await guard.aclose()


def test_it_is_known_by_its_host_and_billed(source: SessionSource) -> None:
    assert (source.label, source.billed, source.retries_end) == ("api.example.com:8443", True, True)


async def test_a_create_carries_mode_and_face_and_brings_a_grant(
    source: SessionSource, guards: Guards
) -> None:
    ids: list[str] = []
    grant = await source.create(Mode.PASSTHROUGH, Face("me.png", b"\x89PNG\n\x00"), ids.append)
    assert (ids, grant.mode, grant.token) == ([grant.session_id], Mode.PASSTHROUGH, "t")
    (order,) = guards.last.told("create")
    assert order["face"] == {"name": "me.png", "media_type": "image/png", "url": None}
    assert (order["mode"], guards.last.contents) == ("passthrough", [b"\x89PNG\n\x00"])


async def test_a_create_without_a_face(source: SessionSource, guards: Guards) -> None:
    await source.create(Mode.CONVERSATION, None)
    (order,) = guards.last.told("create")
    assert (order["mode"], order["face"], guards.last.contents) == ("conversation", None, [])


async def test_an_end_is_an_order_too(source: SessionSource, guards: Guards) -> None:
    receipt = await source.end("ses_1")
    assert (receipt.session_id, receipt.confirmed, receipt.cost_usd) == ("ses_1", True, 0.01)
    await source.aclose()
    assert guards.last.ops == ["open", "end"]
    assert guards.last.told("end")[0]["session_id"] == "ses_1"
