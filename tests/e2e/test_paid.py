"""Paid sessions against a local Atlas in a process of its own: key, keyring, cost, and their sure end."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.accessibility import MONEY, amount_in, poll
from tests.e2e.program import LocalAtlas, Window
from tests.e2e.stage import Stage

WRONG_KEY = "ak_0000000000000000"


@pytest.fixture
def profile(desk: Stage) -> Path:
    return desk.new_folder("paid")


def test_a_pasted_key_is_kept_in_the_keyring_until_it_is_forgotten(
    desk: Stage, atlas: LocalAtlas, profile: Path
) -> None:
    with desk.open(folder=profile, ATLAS_API_BASE=atlas.base) as program:
        desk.paste(program, "API key", f' "{atlas.key[:9]}\n{atlas.key[9:]}" \n')
        program.screen.press("Start")
        program.wait_state("Live")
        assert amount_in(program.screen.wait("label", f"Cost: {MONEY}").name) >= 0
        program.screen.press("End session")
        program.wait_state("Ended")
        (row,) = atlas.sessions()
        charged = row["deducted_cents"] / 100
        assert amount_in(program.screen.wait("label", f"Cost: {MONEY}").name) == charged
        assert program.screen.find("label", "Charged by Atlas") is not None
        program.screen.press("Back to start")
        program.wait_words("Kept in this computer's keyring.")
    assert atlas.key not in "".join(file.read_text() for file in profile.rglob("*") if file.is_file())
    with desk.open(folder=profile, ATLAS_API_BASE=atlas.base) as program:
        program.wait_words("Kept in this computer's keyring.")
        assert atlas.key not in program.screen.wait("text", "API key").text
        program.screen.press("Start")
        program.wait_state("Live")
        program.end_session()
        program.back_to_start()
        program.screen.press("Forget key")
        program.wait_words("It is kept in this computer's keyring, nowhere else.")
    with desk.open(folder=profile, ATLAS_API_BASE=atlas.base) as program:
        program.wait_words("It is kept in this computer's keyring, nowhere else.")
        program.screen.press("Start")
        program.wait_words("A session needs an API key or a backend")
    atlas.wait_all_ended()


def test_a_wrong_key_is_refused_and_not_kept(desk: Stage, atlas: LocalAtlas, profile: Path) -> None:
    with desk.open(folder=profile, ATLAS_API_BASE=atlas.base) as program:
        desk.paste(program, "API key", WRONG_KEY)
        program.screen.press("Start")
        program.wait_state("Failed")
        program.wait_words("Atlas did not accept the key")
        program.screen.press("Back to start")
        program.wait_words("Atlas did not accept the key")
        desk.paste(program, "API key", atlas.key)
        program.screen.press("Start")
        program.wait_state("Live")
    atlas.wait_all_ended()


def test_the_environments_key_wins_for_one_run(desk: Stage, atlas: LocalAtlas, profile: Path) -> None:
    with desk.open(folder=profile, ATLAS_API_BASE=atlas.base, ATLAS_API_KEY=atlas.key) as program:
        program.wait_words("From ATLAS_API_KEY: used for this run, not stored.")
        assert program.screen.find("push button", "Forget key") is None
        program.screen.press("Start")
        program.wait_state("Live")
    with desk.open(folder=profile, ATLAS_API_BASE=atlas.base) as program:
        program.wait_words("It is kept in this computer's keyring, nowhere else.")
    atlas.wait_all_ended()


def close_window(desk: Stage, program: Window) -> None:
    desk.hands.click(*program.screen.wait("filler", "Stage").centre)
    desk.hands.key("alt+F4")


def end_by(number: signal.Signals) -> Callable[[Stage, Window], None]:
    return lambda _desk, program: program.process.send_signal(number)


@pytest.mark.parametrize(
    ("leave", "status"),
    [
        pytest.param(close_window, 0, id="close"),
        pytest.param(end_by(signal.SIGTERM), 0, id="SIGTERM"),
        pytest.param(end_by(signal.SIGHUP), 0, id="SIGHUP"),
        pytest.param(end_by(signal.SIGINT), 130, id="SIGINT"),
    ],
)
def test_however_the_program_goes_the_session_ends_first(
    desk: Stage, atlas: LocalAtlas, leave: Callable[[Stage, Window], None], status: int
) -> None:
    with desk.open("--start", ATLAS_API_BASE=atlas.base, ATLAS_API_KEY=atlas.key) as program:
        program.wait_state("Live")
        leave(desk, program)
        left_s = time.monotonic()
        assert program.process.wait(10) == status
        desk.measured("asked to go → gone", time.monotonic() - left_s)
        (row,) = atlas.sessions()
        assert row["ended_by"] == "client", row


def test_a_switch_of_a_paid_session_asks_once(desk: Stage, atlas: LocalAtlas) -> None:
    with desk.open("--start", ATLAS_API_BASE=atlas.base, ATLAS_API_KEY=atlas.key) as program:
        program.wait_state("Live")
        program.screen.press_radio("Passthrough")
        program.wait_notice(r"Switch to passthrough\?.*\$")
        assert len(atlas.sessions()) == 1
        program.screen.press("Switch to passthrough")
        assert poll(lambda: len(atlas.sessions()) == 2, 15)
        program.wait_state("Live")
        assert program.screen.wait("radio button", "Passthrough").checked
        assert len(atlas.open_sessions()) == 1
    atlas.wait_all_ended()
