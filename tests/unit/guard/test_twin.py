"""The guard's twin: a guard killed between a create and its answer leaves nothing billing."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from atlas_desktop.guard.twin import can_fork
from atlas_desktop.storage.billing_entry import Outcome
from tests.unit.guard.process import GuardProcess, guard, only, spoil, wait_until
from tests.unit.local_atlas.atlas_thread import LocalAtlasThread

pytestmark = pytest.mark.skipif(not can_fork(), reason="twins are Linux's")


def in_flight(one: GuardProcess, atlas: LocalAtlasThread, delay_s: float = 1.0) -> int:
    """Asks for a session and waits until the service has made it; the order's number."""
    spoil(atlas, method="POST", carried_out=True, delay_s=delay_s)
    number = one.order_create()
    wait_until(lambda: atlas.accounts.sessions)
    return number


def open_files(pid: int) -> set[str]:
    return {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}


def kill_guard(one: GuardProcess) -> psutil.Process:
    """Kills the guard alone; returns its twin."""
    (twin,) = psutil.Process(one.process.pid).children()
    one.process.send_signal(signal.SIGKILL)
    one.process.wait()
    return twin


def test_a_guard_killed_in_flight_leaves_nothing_billing(one: GuardProcess, atlas: LocalAtlasThread) -> None:
    in_flight(one, atlas)
    twin = kill_guard(one)
    wait_until(lambda: only(atlas).ended_at)
    twin.wait(5)
    (entry,) = one.entries()
    assert (entry.outcome, entry.session_id) == (Outcome.ENDED, only(atlas).session_id)
    assert list((one.profile / "billing" / "guards").glob("*.lock")) == []


def test_the_next_guard_leaves_it_to_the_twin(
    one: GuardProcess, atlas: LocalAtlasThread, tmp_path: Path
) -> None:
    in_flight(one, atlas)
    kill_guard(one)
    with guard(tmp_path) as successor:
        successor.open(atlas)
        successor.ask("leftovers")
        wait_until(lambda: only(atlas).ended_at)
        deletes = atlas.accounts.called("DELETE")
        wait_until(lambda: one.entries()[0].outcome is Outcome.ENDED)
    assert len(deletes) == 1


def test_a_twin_asks_until_the_end_is_confirmed(one: GuardProcess, atlas: LocalAtlasThread) -> None:
    in_flight(one, atlas)
    spoil(atlas, method="DELETE", times=2, status=500)
    kill_guard(one)
    wait_until(lambda: only(atlas).ended_at)
    assert [call.status for call in atlas.accounts.called("DELETE")] == [500, 500, 200]


def test_what_the_service_refuses_a_dead_guard_is_written_down(
    one: GuardProcess, atlas: LocalAtlasThread
) -> None:
    spoil(atlas, method="POST", status=402, delay_s=1.0)
    one.order_create()
    wait_until(lambda: atlas.accounts.called("POST"))
    kill_guard(one).wait(5)
    assert [entry.outcome for entry in one.entries()] == [Outcome.REFUSED]


def test_a_twin_that_is_killed_is_said(one: GuardProcess, atlas: LocalAtlasThread) -> None:
    number = in_flight(one, atlas)
    (twin,) = psutil.Process(one.process.pid).children()
    twin.kill()
    assert one.answer(number)["error"]["code"] == "guard_lost"
    assert [entry.outcome for entry in one.entries()] == [Outcome.ASKED]


def test_a_long_answer_comes_through(one: GuardProcess, atlas: LocalAtlasThread) -> None:
    spoil(atlas, method="POST", change={"token": "t" * 16_000})
    assert len(one.create()["ok"]["token"]) == 16_000


def test_a_session_whose_answer_can_not_be_used_is_ended_at_once(
    one: GuardProcess, atlas: LocalAtlasThread
) -> None:
    spoil(atlas, method="POST", change={"token": "t" * 1_200_000})
    assert one.create()["error"]["code"] == "bad_answer"
    wait_until(lambda: only(atlas).ended_at, 5.0)
    wait_until(lambda: one.entries()[0].outcome is Outcome.ENDED)
    # The guard is none the worse for it.
    assert one.create()["ok"]["session_id"]


def test_a_twin_asks_on_after_an_answer_that_says_nothing(one: GuardProcess, atlas: LocalAtlasThread) -> None:
    """A proxy's 404, or a key that is refused for a while."""
    in_flight(one, atlas)
    spoil(atlas, method="DELETE", status=401)
    kill_guard(one)
    wait_until(lambda: only(atlas).ended_at, 20.0)
    assert [call.status for call in atlas.accounts.called("DELETE")] == [401, 200]


def test_a_twin_holds_neither_pipes_nor_lock_of_the_guard(one: GuardProcess, atlas: LocalAtlasThread) -> None:
    number = in_flight(one, atlas)
    (twin,) = psutil.Process(one.process.pid).children()
    assert open_files(twin.pid) & open_files(one.process.pid) <= {os.devnull, "anon_inode:[eventpoll]"}
    assert one.answer(number)["ok"]["session_id"] == only(atlas).session_id
    assert twin.wait(5) in (0, None)
