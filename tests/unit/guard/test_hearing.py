"""What a guard hears from its twin: an answer, or nothing that can be used."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from atlas_desktop.api.orders import complaint_of, grant_frame, line_of
from atlas_desktop.api.source import SessionGrant
from atlas_desktop.errors import AppError, GuardLostError, NoCreditError
from atlas_desktop.guard.twin import hear

GRANT = SessionGrant("ses_1", "wss://room", "token", price_per_hour_usd=7.2)
Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, its = socket.socketpair()
    yield ours, its
    ours.close()
    its.close()


async def heard(ends: Ends, line: bytes, *, hang_up: bool = True) -> tuple[Any, bytes]:
    """What ``hear`` gave or raised, and what the twin was told."""
    ours, its = ends
    loop = asyncio.get_running_loop()
    its.setblocking(False)

    async def say() -> None:
        await loop.sock_sendall(its, line)
        if hang_up:
            its.shutdown(socket.SHUT_WR)

    saying = asyncio.ensure_future(say())
    try:
        found: Any = await asyncio.wait_for(hear(ours), 5.0)
    except AppError as error:
        found = error
    try:
        await saying
        told = await asyncio.wait_for(loop.sock_recv(its, 10), 5.0)
    except OSError:
        told = b""
    return found, told


async def test_a_session_is_taken(ends: Ends) -> None:
    made, told = await heard(ends, line_of({"ok": grant_frame(GRANT), "recorded": True}), hang_up=False)
    assert (made.grant, made.recorded, told) == (GRANT, True, b"+")


async def test_an_error_is_taken(ends: Ends) -> None:
    error, told = await heard(ends, line_of({"error": complaint_of(NoCreditError())}))
    assert (error.code, told) == ("no_credit", b"+")


async def test_a_long_answer_is_taken(ends: Ends) -> None:
    frame = {**grant_frame(GRANT), "token": "t" * 300_000}
    made, told = await heard(ends, line_of({"ok": frame, "recorded": False}))
    assert (len(made.grant.token), told) == (300_000, b"+")


GOOD = line_of({"ok": grant_frame(GRANT), "recorded": True})


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        GOOD[:-1],
        GOOD[:30],
        GOOD[:30] + b"\n",
        b"[1]\n",
        b"\xff\xfe\n",
        b"{}\n",
        line_of({"ok": grant_frame(GRANT)}),
        line_of({"ok": None, "recorded": True}),
        line_of({"ok": {"session_id": "ses_1"}, "recorded": True}),
        line_of({"ok": {**grant_frame(GRANT), "mode": "hologram"}, "recorded": True}),
        line_of({"ok": {**grant_frame(GRANT), "more": 1}, "recorded": True}),
        line_of({"error": "no"}),
        b"x" * 2_000_000 + b"\n",
        b"[" * 100_000 + b"\n",
    ],
)
async def test_what_can_not_be_used_is_not_taken(ends: Ends, line: bytes) -> None:
    error, told = await heard(ends, line)
    assert isinstance(error, GuardLostError)
    assert told == b""


async def test_a_twin_that_broke_the_line_is_lost(ends: Ends) -> None:
    ours, its = ends
    ours.sendall(b"unread")
    its.close()
    with pytest.raises(GuardLostError):
        await asyncio.wait_for(hear(ours), 5.0)
