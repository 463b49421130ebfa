import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from subprocess import PIPE

import pytest

from atlas_desktop.api.guard_protocol import encode_message
from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.storage.billing_entry import Outcome
from tests.unit.sessions_cli.desk import STRANGER, Desk, look


def test_nothing_open_is_said_and_nothing_is_made(desk: Desk) -> None:
    done = desk.run()
    assert (done.status, done.out, done.complaints) == (0, "Nothing that was started here is open.\n", "")
    assert desk.run("--json").answer == []
    assert not desk.profile.folder.exists()


def test_one_is_ended_on_the_server_and_in_the_journal(desk: Desk) -> None:
    session_id, other = desk.make(), desk.make()
    time.sleep(1.0)
    done = desk.run("end", session_id)
    assert (done.status, done.complaints) == (0, "")
    assert f"Ending {session_id} at" in done.out
    assert f"{session_id} is over: " in done.out
    assert "charged" in done.out
    assert desk.atlas.open_sessions() == [other]
    first, second = desk.journal.entries()
    assert (first.outcome, first.why, first.session_id) == (Outcome.ENDED, "asked", session_id)
    assert first.duration_s is not None
    assert first.charged_usd is not None
    assert first.estimated_usd == pytest.approx(first.duration_s / 360)
    assert second.is_open
    again = desk.run("end", session_id)
    assert (again.status, again.out) == (0, f"{session_id} was over already.\n")


def test_an_end_as_json(desk: Desk) -> None:
    session_id = desk.make()
    done = desk.run("end", f' "{session_id}" ', "--json")
    [answer] = done.answer
    assert (done.status, answer["session_id"], answer["ended"], answer["complaint"]) == (
        0,
        session_id,
        True,
        None,
    )
    assert answer["duration_s"] is not None
    assert desk.run("end", "--all", "--json").answer == []


def test_all_are_ended_but_those_in_use(desk: Desk) -> None:
    first, used, third = desk.make("dead1"), desk.make("living"), desk.make("dead2")
    desk.ask("dead1")
    with desk.guard("living"):
        assert [row["state"] for row in desk.run("--json").answer] == ["open", "in_use", "open", "unknown"]
        assert "in use by a running Atlas Desktop" in desk.run().out
        done = desk.run("end", "--all")
    assert (done.status, done.complaints) == (0, "")
    assert f"{used} is in use by a running Atlas Desktop and was left alone" in done.out
    assert desk.atlas.open_sessions() == [used]
    outcomes = {entry.session_id: entry.outcome for entry in desk.journal.entries()}
    assert (outcomes[first], outcomes[third], outcomes[used]) == (Outcome.ENDED, Outcome.ENDED, Outcome.OPEN)
    # Its program is gone now.
    assert desk.run("end", "--all").status == 0
    assert desk.atlas.open_sessions() == []
    assert desk.run("end", "--all").out == "There is nothing to end.\n"


def test_one_in_use_is_ended_when_named(desk: Desk) -> None:
    session_id = desk.make("living")
    with desk.guard("living"):
        done = desk.run("end", session_id)
        assert done.status == 0
        assert "is in use by a running Atlas Desktop" in done.out
    assert desk.atlas.open_sessions() == []
    assert desk.only().outcome is Outcome.ENDED


def test_two_commands_at_once_end_each_session_once(desk: Desk) -> None:
    made = [desk.make(f"dead{number}") for number in range(6)]
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: desk.run_process("end", "--all"), range(3)))
    assert all(done.complaints == "" for done in answers)
    assert desk.atlas.open_sessions() == []
    calls = [call["path"] for call in desk.atlas.books()["calls"] if call["method"] == "DELETE"]
    assert sorted(path.rpartition("/")[2] for path in calls if path.endswith(tuple(made))) == sorted(made)


def test_one_that_the_journal_does_not_know_is_ended_with_the_key_at_hand(desk: Desk) -> None:
    session_id = desk.make()
    desk.profile.billing_journal.unlink()
    done = desk.run("end", session_id)
    assert done.status == 0
    assert f"The journal does not know {session_id}" in done.out
    assert desk.atlas.open_sessions() == []
    assert desk.journal.entries() == []


def test_one_that_nobody_knows_is_not_over_for_sure(desk: Desk) -> None:
    done = desk.run("end", STRANGER)
    assert (done.status, done.complaints.count("\n")) == (1, 1)
    assert f"did not confirm the end of {STRANGER}" in done.complaints


def test_one_whose_id_never_came_is_forgotten_not_ended(desk: Desk) -> None:
    key = desk.ask()
    done = desk.run("end", key)
    assert (done.status, "its ID never came" in done.complaints) == (1, True)
    with desk.guard("dead"):
        assert desk.run("forget", key).status == 1
    done = desk.run("forget", key)
    assert (done.status, done.complaints) == (0, "")
    assert desk.only().outcome is Outcome.DISMISSED
    assert desk.run("--json").answer == []
    assert desk.run("forget", STRANGER).status == 1


def test_forgetting_sends_nothing(desk: Desk) -> None:
    session_id = desk.make()
    assert desk.run("forget", session_id).status == 0
    assert desk.atlas.open_sessions() == [session_id]
    assert desk.only().outcome is Outcome.DISMISSED
    # The user was wrong.
    assert desk.run("end", session_id).status == 0
    assert desk.only().outcome is Outcome.ENDED


def test_a_journal_that_can_not_be_read_is_said(desk: Desk) -> None:
    session_id = desk.make()
    desk.profile.billing_journal.unlink()
    desk.profile.billing_journal.mkdir()
    done = desk.run()
    assert (done.status, done.out, done.complaints.count("\n")) == (1, "", 1)
    # Ending comes first all the same.
    assert desk.run("end", session_id).status == 0
    assert desk.atlas.open_sessions() == []


def test_an_end_that_can_not_be_written_down_is_an_end(desk: Desk) -> None:
    session_id = desk.make()
    lock = desk.profile.billing_journal.with_suffix(".lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()
    done = desk.run("end", session_id)
    assert (done.status, done.complaints.count("\n")) == (0, 1)
    assert "is over, but stays on the list" in done.complaints
    assert desk.atlas.open_sessions() == []


DELETE = {"method": "DELETE", "times": 0}


def test_ctrl_c_ends_the_asking_and_leaves_it_open(desk: Desk) -> None:
    session_id = desk.make()
    desk.atlas.order({"rest": {**DELETE, "hang": True}})
    words = [sys.executable, "-m", "atlas_desktop", "sessions", "--profile", str(desk.profile.folder)]
    env = {**os.environ, "ATLAS_API_KEY": desk.atlas.key, "ATLAS_API_BASE": desk.atlas.base}
    with subprocess.Popen(
        [*words, "end", session_id], env=env, stdout=PIPE, stderr=PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert session_id in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, complaints = process.communicate(timeout=20)
    assert (process.returncode, complaints) == (130, "")
    assert "is over" not in out
    assert desk.only().is_open


def test_a_list_needs_no_network_library(desk: Desk) -> None:
    desk.make()
    profile = str(desk.profile.folder)
    env = {"ATLAS_API_KEY": desk.atlas.key, "ATLAS_API_BASE": desk.atlas.base}
    heavy = "'PySide6', 'qasync', 'livekit', 'httpx', 'keyring', 'numpy'"
    assert look(f"sessions --profile {profile}", heavy, **env) == "0 []"
    heavy = "'PySide6', 'qasync', 'livekit', 'numpy', 'av'"
    assert look(f"sessions --profile {profile} end --all", heavy, **env) == "0 []"


def test_what_a_real_guard_holds_is_in_use_until_it_is_killed(desk: Desk) -> None:
    words = [sys.executable, "-m", "atlas_desktop", "guard", "--child", "--profile", str(desk.profile.folder)]
    source = {"source": "s", "kind": "atlas", "address": desk.atlas.base, "secret": desk.atlas.key}
    create = {"source": "s", "mode": "passthrough", "limits": asdict(SpendingLimits()), "unrecorded": False}
    with subprocess.Popen(words, stdin=PIPE, stdout=PIPE, stderr=PIPE) as guard:
        assert guard.stdin is not None
        assert guard.stdout is not None
        guard.stdout.readline()
        guard.stdin.write(encode_message({"op": "open", "n": 1, **source}))
        guard.stdin.write(encode_message({"op": "create", "n": 2, "face": None, **create}))
        guard.stdin.flush()
        answers = [json.loads(guard.stdout.readline()) for _ in range(2)]
        session_id = next(answer["ok"]["session_id"] for answer in answers if answer["n"] == 2)
        [row] = desk.run("--json").answer
        assert (row["session_id"], row["state"], row["mode"]) == (session_id, "in_use", "passthrough")
        assert row["key_at_hand"]
        assert desk.run("end", "--all").status == 0
        assert desk.atlas.open_sessions() == [session_id]
        guard.kill()
    assert desk.run("--json").answer[0]["state"] == "open"
    done = desk.run("end", "--all")
    assert (done.status, done.complaints) == (0, "")
    assert desk.atlas.open_sessions() == []
    assert desk.only().outcome is Outcome.ENDED
