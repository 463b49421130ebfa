"""The guard as it is: the real process, and a local Atlas that is billed like the service."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atlas_desktop.api.access import Access
from atlas_desktop.api.guard_protocol import EndReason, LeftoverOutcome
from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import Mode, SessionSource, SourceKind
from atlas_desktop.errors import AppError, ChildError, GuardDownError
from atlas_desktop.session import guard_supervisor
from atlas_desktop.session.guard_client import GuardClient
from atlas_desktop.session.guard_events import GuardEvent, Leftover, SessionStopped
from tests.e2e.program import LocalAtlas, local_atlas

LIMIT_S = 15.0
MODE = Mode.PASSTHROUGH

LEAVING = """
import asyncio, os, pathlib, sys
from atlas_desktop.api.access import Access
from atlas_desktop.api.source import Mode, SourceKind
from atlas_desktop.session.guard_client import GuardClient

async def main():
    global guard
    # A slow machine is nothing to complain of.
    asyncio.get_running_loop().slow_callback_duration = 60.0
    guard = GuardClient(pathlib.Path(sys.argv[1]), on_error=print)
    await guard.start()
    source = guard.open(Access(SourceKind.ATLAS, os.environ["KEY"], sys.argv[2]))
    grant = await source.create(Mode.PASSTHROUGH, None)
    print(grant.session_id, guard.pid, flush=True)
    if sys.argv[3] == "aclose":
        await guard.aclose()
    if sys.argv[3] == "power cut":
        os.kill(guard.pid, 9)
    if sys.argv[3] in ("kill", "power cut"):
        os.kill(os.getpid(), 9)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAtlas]:
    folder = tmp_path_factory.mktemp("local")
    with local_atlas(os.environ, folder / "local.log") as atlas:
        yield atlas


@pytest.fixture
def atlas(served: LocalAtlas) -> LocalAtlas:
    served.turn_page()
    return served


class Desk:
    """A guard of its own profile, and what it told."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.errors: list[AppError] = []
        self.events: list[GuardEvent] = []
        self.guard = GuardClient(folder, on_error=self.errors.append, **options)
        self.guard.on_event(self.events.append)

    def source(self, atlas: LocalAtlas) -> SessionSource:
        return self.guard.open(Access(SourceKind.ATLAS, atlas.key, atlas.base))


async def until(condition: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    async with asyncio.timeout(limit_s):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_a_guard_that_is_killed_is_replaced_and_the_session_ended(
    atlas: LocalAtlas, tmp_path: Path
) -> None:
    desk = Desk(tmp_path)
    await desk.guard.start()
    source = desk.source(atlas)
    grant = await source.create(MODE, None)
    assert grant.livekit_url
    assert atlas.open_sessions() == [grant.session_id]
    first = desk.guard.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: desk.guard.is_up and desk.guard.pid != first)
    assert atlas.open_sessions() == [grant.session_id]
    receipt = await source.end(grant.session_id)
    assert (receipt.confirmed, atlas.open_sessions()) == (True, [])
    second = desk.guard.pid
    assert second is not None
    await desk.guard.aclose()
    assert desk.errors == []
    await until(lambda: is_gone(second))


async def test_an_end_that_the_guard_takes_to_its_grave_is_repeated(
    atlas: LocalAtlas, tmp_path: Path
) -> None:
    desk = Desk(tmp_path)
    source = desk.source(atlas)
    grant = await source.create(MODE, None)
    pid = desk.guard.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    ending = asyncio.ensure_future(source.end(grant.session_id))
    await asyncio.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    assert (await asyncio.wait_for(ending, LIMIT_S)).confirmed
    assert atlas.open_sessions() == []
    await desk.guard.aclose()


async def test_a_guard_that_is_told_to_go_ends_the_session_and_another_comes(
    atlas: LocalAtlas, tmp_path: Path
) -> None:
    desk = Desk(tmp_path)
    grant = await desk.source(atlas).create(MODE, None)
    pid = desk.guard.pid
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    await until(lambda: desk.events)
    stopped = desk.events[0]
    assert isinstance(stopped, SessionStopped)
    assert (stopped.session_id, stopped.why, stopped.receipt.confirmed) == (
        grant.session_id,
        EndReason.GUARD_TOLD,
        True,
    )
    await until(lambda: desk.guard.is_up and desk.guard.pid != pid)
    await desk.guard.aclose()


def run_and_leave(profile: Path, atlas: LocalAtlas, way: str) -> tuple[str, int]:
    """Runs a program that starts a session and leaves in some ``way``; its session and its guard's id."""
    program = profile.with_suffix(".py")
    program.write_text(LEAVING)
    words = [sys.executable, "-X", "dev", str(program), str(profile), atlas.base, way]
    env = {**os.environ, "KEY": atlas.key}
    done = subprocess.run(words, env=env, capture_output=True, check=False, text=True, timeout=60)
    killed = way in ("kill", "power cut")
    assert (done.returncode, done.stderr) == (-signal.SIGKILL if killed else 0, "")
    session_id, pid = done.stdout.split()
    return session_id, int(pid)


@pytest.mark.parametrize("way", ["aclose", "leave", "kill"])
def test_whatever_becomes_of_the_program_the_session_is_ended(
    atlas: LocalAtlas, tmp_path: Path, way: str
) -> None:
    session_id, pid = run_and_leave(tmp_path / "profile", atlas, way)
    assert session_id in {row["session_id"] for row in atlas.sessions()}
    atlas.wait_all_ended(LIMIT_S)
    until_s = time.monotonic() + LIMIT_S
    while not is_gone(pid) and time.monotonic() < until_s:
        time.sleep(0.05)
    assert is_gone(pid)


async def test_what_a_power_cut_left_open_is_ended_by_the_next_run(atlas: LocalAtlas, tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    session_id, _ = await asyncio.to_thread(run_and_leave, profile, atlas, "power cut")
    assert atlas.open_sessions() == [session_id]
    desk = Desk(profile)
    desk.source(atlas)
    desk.guard.look_for_leftovers()
    await until(lambda: len(desk.events) == 2)
    first, last = desk.events
    assert isinstance(first, Leftover)
    assert isinstance(last, Leftover)
    assert (first.outcome, last.outcome) == (LeftoverOutcome.ENDING, LeftoverOutcome.ENDED)
    assert first.entry["session_id"] == last.entry["session_id"] == session_id
    assert last.receipt is not None
    assert (last.receipt.confirmed, atlas.open_sessions()) == (True, [])
    await desk.guard.aclose()
    assert desk.errors == []


async def test_a_loop_that_hangs_costs_the_session(atlas: LocalAtlas, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.guard.set_limits(SpendingLimits(hang_s=1.0))
    grant = await desk.source(atlas).create(MODE, None)
    time.sleep(4.0)  # the hang
    assert atlas.open_sessions() == []
    await until(lambda: desk.events)
    stopped = desk.events[0]
    assert isinstance(stopped, SessionStopped)
    assert (stopped.session_id, stopped.why) == (grant.session_id, EndReason.HANG)
    await desk.guard.aclose()


async def no_child(role: str, *_: str) -> Any:
    raise ChildError(role=role, detail="not allowed here")


async def test_without_a_guard_this_process_does_it_once_the_user_agreed(
    atlas: LocalAtlas, tmp_path: Path
) -> None:
    desk = Desk(tmp_path, start_child=no_child)
    await desk.guard.start()
    source = desk.source(atlas)
    with pytest.raises(GuardDownError, match="not allowed here"):
        await source.create(MODE, None)
    desk.guard.allow_unguarded()
    grant = await source.create(MODE, None)
    assert (desk.guard.is_up, desk.guard.pid) == (False, None)
    assert (await source.end(grant.session_id)).confirmed
    late = await source.create(MODE, None)
    assert atlas.open_sessions() == [late.session_id]
    await desk.guard.aclose()
    assert atlas.open_sessions() == []


async def test_a_guard_that_can_not_be_replaced_leaves_its_sessions_to_this_process(
    atlas: LocalAtlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path)
    source = desk.source(atlas)
    grant = await source.create(MODE, None)
    monkeypatch.setattr(guard_supervisor, "START_PAUSES_S", (0.0, 0.1, 0.1, 0.1))
    monkeypatch.setattr("atlas_desktop.child.command", lambda *_: ["/nonexistent/program"])
    pid = desk.guard.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: desk.errors)
    assert [type(error) for error in desk.errors] == [GuardDownError]
    with pytest.raises(GuardDownError):
        await source.create(MODE, None)
    assert (await source.end(grant.session_id)).confirmed
    assert atlas.open_sessions() == []
    await desk.guard.aclose()
    assert len(desk.errors) == 1
