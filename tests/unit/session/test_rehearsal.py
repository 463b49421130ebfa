import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from atlas_desktop.child import Child
from atlas_desktop.errors import ChildError
from atlas_desktop.session.rehearsal import Rehearsal


class FakeChild:
    def __init__(self, first_line: dict[str, Any]) -> None:
        self.first_line = first_line
        self.running = True
        self.on_exit: Callable[[int], None] | None = None

    def listen(self, on_line: object = None, on_exit: Callable[[int], None] | None = None) -> None:
        self.on_exit = on_exit

    async def aclose(self) -> None:
        self.running = False


class Nursery:
    def __init__(self, first_line: dict[str, Any]) -> None:
        self.first_line = first_line
        self.children: list[FakeChild] = []

    async def start(self, role: str) -> Child:
        assert role == "local"
        self.children.append(FakeChild(self.first_line))
        return cast(Child, self.children[-1])


GOOD = {"base": "http://127.0.0.1:1", "key": "ak_test"}


async def test_starts_the_local_atlas_once_and_never_bills() -> None:
    nursery = Nursery(GOOD)
    rehearsal = Rehearsal(nursery.start)
    assert not rehearsal.is_ready
    source = await rehearsal.source()
    assert await rehearsal.source() is source
    assert (source.billed, len(nursery.children), rehearsal.is_ready) == (False, 1, True)
    assert rehearsal.address == ("http://127.0.0.1:1", "ak_test")
    await rehearsal.aclose()
    assert not nursery.children[0].running


async def test_a_local_atlas_that_died_is_started_anew() -> None:
    nursery = Nursery(GOOD)
    rehearsal = Rehearsal(nursery.start)
    first = await rehearsal.source()
    nursery.children[0].running = False
    assert await rehearsal.source() is not first
    assert len(nursery.children) == 2
    await rehearsal.aclose()


async def test_a_local_atlas_that_does_not_come_up_holds_up_no_end() -> None:
    reached = asyncio.Event()

    async def hang(role: str) -> Child:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError(role)

    rehearsal = Rehearsal(hang)
    asked = asyncio.ensure_future(rehearsal.source())
    await reached.wait()
    async with asyncio.timeout(1):
        await rehearsal.aclose()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not rehearsal.is_ready


async def test_a_first_line_without_address_is_a_failed_start() -> None:
    nursery = Nursery({"hello": 1})
    rehearsal = Rehearsal(nursery.start)
    with pytest.raises(ChildError):
        await rehearsal.source()
    assert not nursery.children[0].running


@pytest.mark.logs("the local Atlas ended with status 1")
async def test_that_a_local_atlas_is_gone_is_said_at_once() -> None:
    lost: list[str] = []
    nursery = Nursery(GOOD)
    rehearsal = Rehearsal(nursery.start, lambda: lost.append("lost"))
    await rehearsal.source()
    assert nursery.children[0].on_exit is not None
    nursery.children[0].on_exit(1)
    assert lost == ["lost"]
    await rehearsal.aclose()
    assert lost == ["lost"]
