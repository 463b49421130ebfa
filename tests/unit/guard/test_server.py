"""The guard's process against a local Atlas: whatever becomes of the app, its sessions are ended."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from filelock import FileLock, Timeout

from atlas_desktop.storage.billing_entry import Outcome
from tests.unit.guard.process import GuardProcess, command, gone, guard, only, spoil, wait_until
from tests.unit.local_atlas.atlas_thread import LocalAtlasThread


def test_a_session_from_its_first_record_to_its_last(one: GuardProcess, atlas: LocalAtlasThread) -> None:
    grant = one.create()["ok"]
    assert grant["session_id"] == only(atlas).session_id
    assert grant["token"]
    assert grant["spent_today_usd"] == 0.0
    (entry,) = one.entries()
    assert (entry.outcome, entry.guard, entry.address) == (Outcome.OPEN, one.first_line["guard"], atlas.base)
    receipt = one.ask("end", source="atlas", session_id=grant["session_id"], why="asked")["ok"]
    assert receipt["confirmed"]
    assert only(atlas).ended_by == "client"
    (entry,) = one.entries()
    assert (entry.outcome, entry.why, entry.charged_usd) == (Outcome.ENDED, "asked", receipt["cost_usd"])
    again = one.ask("end", source="atlas", session_id=grant["session_id"], why="asked")["ok"]
    assert again == receipt


def test_no_key_and_no_token_is_written_anywhere(one: GuardProcess, atlas: LocalAtlasThread) -> None:
    token = one.create()["ok"]["token"]
    one.hang_up()
    assert gone(one) == 0
    written = b"".join(file.read_bytes() for file in one.profile.rglob("*") if file.is_file())
    assert only(atlas).session_id.encode() in written
    assert atlas.key.encode() not in written
    assert token.encode() not in written


def test_the_end_of_the_app_ends_its_sessions(one: GuardProcess, atlas: LocalAtlasThread) -> None:
    for _ in range(3):
        one.create()
    one.hang_up()
    assert gone(one) == 0
    assert {entry.ended_by for entry in atlas.accounts.sessions.values()} == {"client"}
    assert {(entry.outcome, entry.why) for entry in one.entries()} == {(Outcome.ENDED, "app_gone")}
    assert list((one.profile / "billing" / "guards").iterdir()) == []


def test_without_a_session_it_goes_at_once(one: GuardProcess) -> None:
    began_s = time.monotonic()
    one.hang_up()
    assert gone(one) == 0
    assert time.monotonic() - began_s < 1.0
    assert one.process.stderr is not None
    assert one.process.stderr.read() == b""


def test_told_to_go_it_ends_all_at_once(one: GuardProcess, atlas: LocalAtlasThread) -> None:
    one.create()
    one.create()
    one.process.send_signal(signal.SIGTERM)
    assert gone(one) == 0
    assert {entry.ended_by for entry in atlas.accounts.sessions.values()} == {"client"}
    assert {entry.why for entry in one.entries()} == {"guard_told"}
    assert one.event("ended")["receipt"]["confirmed"]


def test_told_twice_it_goes_where_it_stands(one: GuardProcess, atlas: LocalAtlasThread) -> None:
    one.create()
    spoil(atlas, method="DELETE", times=0, status=500)
    one.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "going" in one.log())
    one.process.send_signal(signal.SIGTERM)
    assert gone(one, 3.0) == 1
    assert only(atlas).ended_by is None
    assert one.entries()[0].outcome is Outcome.OPEN


def test_a_hang_up_and_a_ctrl_c_at_the_terminal_are_nothing_to_it(
    one: GuardProcess, atlas: LocalAtlasThread
) -> None:
    one.create()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        one.process.send_signal(number)
    assert one.ask("limits", session_id=only(atlas).session_id, limits={})["ok"] == {}
    assert only(atlas).ended_at is None


def test_a_delete_that_fails_is_asked_for_again_after_the_app(
    one: GuardProcess, atlas: LocalAtlasThread
) -> None:
    one.create()
    spoil(atlas, method="DELETE", times=2, status=500)
    one.hang_up()
    assert gone(one) == 0
    assert only(atlas).ended_by == "client"


def test_a_create_in_flight_when_the_app_dies_is_ended_with_what_it_brings(
    one: GuardProcess, atlas: LocalAtlasThread
) -> None:
    spoil(atlas, method="POST", delay_s=1.0, change={"extra": 1})
    one.order_create()
    wait_until(lambda: atlas.accounts.sessions)
    one.hang_up()
    assert gone(one) == 0
    assert only(atlas).ended_by == "client"
    (entry,) = one.entries()
    assert (entry.outcome, entry.why) == (Outcome.ENDED, "app_gone")


def test_what_is_not_confirmed_in_its_time_is_left_to_the_journal(
    tmp_path: Path, atlas: LocalAtlasThread
) -> None:
    with guard(tmp_path, ATLAS_GUARD_OUTLIVES_S="1.5") as one:
        one.open(atlas)
        one.create()
        spoil(atlas, method="DELETE", times=0, status=503)
        one.hang_up()
        assert gone(one, 5.0) == 0
        assert one.entries()[0].outcome is Outcome.OPEN
    atlas.call(atlas.atlas.faults.clear)
    with guard(tmp_path) as two:
        two.open(atlas)
        two.ask("leftovers")
        assert two.event("leftover")["outcome"] == "ending"
        ended = two.event("leftover")
        assert (ended["outcome"], ended["entry"]["session_id"]) == ("ended", only(atlas).session_id)
        assert not {"salt", "fingerprint"} & ended["entry"].keys()
        assert two.entries()[0].why == "left_open"
    assert only(atlas).ended_by == "client"


def test_a_slow_create_does_not_hold_up_an_end(one: GuardProcess, atlas: LocalAtlasThread) -> None:
    session_id = one.create()["ok"]["session_id"]
    spoil(atlas, method="POST", delay_s=2.0, drop=True)
    slow = one.order_create()
    assert one.ask("end", source="atlas", session_id=session_id, why="asked")["ok"]["confirmed"]
    assert one.answer(slow)["error"]["code"] == "unreachable"
    assert one.entries()[-1].outcome is Outcome.ASKED


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


def test_a_guard_that_is_killed_in_flight_leaves_what_was_asked_for_and_no_process(
    one: GuardProcess, atlas: LocalAtlasThread
) -> None:
    spoil(atlas, method="POST", carried_out=True, delay_s=10.0)
    one.order_create()
    wait_until(lambda: atlas.accounts.sessions)
    children = psutil.Process(one.process.pid).children()
    one.process.kill()
    one.process.wait()
    assert children == []
    assert [entry.outcome for entry in one.entries()] == [Outcome.ASKED]


APP = """
import subprocess, sys, time
guard = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True)
for line in sys.stdin.buffer:
    guard.stdin.write(line)
    guard.stdin.flush()
time.sleep(3600)
"""


def test_an_app_that_is_killed_leaves_no_session(tmp_path: Path, atlas: LocalAtlasThread) -> None:
    words = [sys.executable, "-c", APP, *command(tmp_path)]
    source = {"source": "a", "kind": "atlas", "address": atlas.base, "secret": atlas.key}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as app:
        assert app.stdout is not None
        assert app.stdin is not None
        assert "guard" in json.loads(app.stdout.readline())
        (child,) = psutil.Process(app.pid).children()
        for order in (
            {"op": "open", "n": 1, **source},
            {"op": "create", "n": 2, "source": "a", "mode": "passthrough", "limits": {}, "face": None},
        ):
            app.stdin.write(json.dumps(order).encode() + b"\n")
        assert json.loads(app.stdout.readline())["n"] == 1
        assert json.loads(app.stdout.readline())["ok"]["session_id"] == only(atlas).session_id
        app.kill()
        app.wait()
        child.wait(10)
    assert only(atlas).ended_by == "client"


def test_the_successor_of_a_killed_guard_adopts_and_does_not_end(
    tmp_path: Path, atlas: LocalAtlasThread
) -> None:
    with guard(tmp_path) as one:
        one.open(atlas)
        session_id = one.create()["ok"]["session_id"]
        one.process.kill()
        one.process.wait()
    with guard(tmp_path) as two:
        two.open(atlas)
        two.ask("adopt", source="atlas", session_id=session_id, limits={})
        two.ask("leftovers")
        assert two.ask("limits", session_id=session_id, limits={})["ok"] == {}
        assert only(atlas).ended_at is None
        assert two.entries()[0].guard == two.first_line["guard"]
        assert not two.events
        two.hang_up()
        assert gone(two) == 0
    assert only(atlas).ended_by == "client"


def test_its_lock_is_held_while_it_lives(one: GuardProcess) -> None:
    lock = FileLock(one.profile / "billing" / "guards" / f"{one.first_line['guard']}.lock", timeout=0)
    with pytest.raises(Timeout):
        lock.acquire()
    one.process.kill()
    one.process.wait()
    with lock:
        pass


def test_nonsense_is_answered_or_passed_over(one: GuardProcess) -> None:
    assert one.process.stdin is not None
    one.process.stdin.write(
        b"nonsense\n[]\n" + b"x" * 3_000_000 + b"\n" + b'{"op": "end", "content_bytes": -1}\n'
    )
    assert one.ask("fly")["error"]["code"] == "bug"
    assert one.ask("create", source="unknown", mode="conversation", limits={})["error"]["code"] == "bug"
    assert one.ask("end")["error"]["code"] == "bug"


def test_an_insecure_address_is_refused(one: GuardProcess) -> None:
    opened = one.ask("open", source="far", kind="atlas", address="http://far.example", secret="ak_x")
    assert opened["error"]["code"] == "insecure_address"


def test_a_profile_that_cannot_be_written_takes_unrecorded_sessions_only(
    tmp_path: Path, atlas: LocalAtlasThread
) -> None:
    blocked = tmp_path / "profile"
    blocked.write_text("a file where the folder should be")
    with guard(blocked) as one:
        one.open(atlas)
        assert one.create()["error"]["code"] == "journal"
        assert not atlas.accounts.sessions
        assert one.create(unrecorded=True)["ok"]["session_id"] == only(atlas).session_id
        assert one.event("journal")["error"]["code"] == "journal"
        one.hang_up()
        assert gone(one) == 0
    assert only(atlas).ended_by == "client"


HEAVY = ("numpy", "livekit", "PySide6", "qasync", "keyring", "av", "aiohttp", "rich", "PIL")


def test_it_is_small_and_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    words = [*command(tmp_path)]
    words[1:2] = ["-X", "importtime", "-m"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    loaded = {line.rpartition(b"|")[2].strip().split(b".")[0].decode() for line in done.stderr.splitlines()}
    # The first session waits for none of what a connection needs.
    assert {"httpx", "httpcore", "h11", "anyio"} <= loaded
    assert not set(HEAVY) & loaded


def test_its_memory_stays_small(one: GuardProcess, atlas: LocalAtlasThread) -> None:
    one.create()
    assert psutil.Process(one.process.pid).memory_info().rss < 40_000_000
    assert psutil.Process(one.process.pid).num_threads() <= 4
