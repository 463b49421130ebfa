"""A rehearsal from launch to end, as its user meets it: picture, sound, words, microphone, modes."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.desk.children import children_as
from tests.e2e import eyes
from tests.e2e.accessibility import poll
from tests.e2e.ears import Ears, Hearing, likeness
from tests.e2e.program import Window, end, start
from tests.e2e.sounds import make_speech
from tests.e2e.stage import Stage

SENTENCE = "The moon is bright tonight"


@pytest.fixture(scope="module")
def program(desk: Stage) -> Iterator[Window]:
    with desk.open() as opened:
        opened.screen.wait("push button", "Rehearse")
        yield opened


@pytest.fixture
def live(program: Window, ears: Ears) -> Window:
    """A rehearsed conversation with nobody speaking."""
    be_live(program)
    ears.wait_silence()
    return program


def be_live(program: Window) -> None:
    if program.screen.find("label", "Session state: Live") is None:
        again = program.screen.find("push button", "Start again")
        (again or program.screen.wait("push button", "Rehearse")).press()
        program.wait_state("Live")


def spoken(desk: Stage, words: str) -> Path:
    return make_speech(desk.folder / "spoken.wav", words)


def test_one_click_leads_to_an_avatar_that_moves_and_greets(desk: Stage, program: Window, ears: Ears) -> None:
    rehearse = program.screen.wait("push button", "Rehearse")
    began_s = time.monotonic()
    desk.hands.click(*rehearse.centre)
    stage = program.screen.wait("filler", "Stage").box
    shown_s = eyes.wait_brighter(desk.env, picture_part(stage))
    desk.measured("Rehearse → first picture, cold", shown_s - began_s)
    program.wait_state("Live")
    assert eyes.wait_moving(desk.env, eyes.middle(stage)) > 0
    program.wait_transcript(r"^Atlas, \d\d:\d\d, Hi\b")
    assert ears.wait_onset(began_s) > began_s
    assert program.screen.find("label", "Cost: free, .*") is not None


def picture_part(stage: eyes.Box) -> eyes.Box:
    """A part of the stage that only a picture makes bright: beside the card with the steps."""
    x, y, width, height = stage
    return x + width // 2 - height // 2 + 8, y + height // 2, 60, height // 4


def test_a_typed_message_is_answered_in_sound_and_transcript(desk: Stage, live: Window, ears: Ears) -> None:
    desk.hands.click(*live.screen.wait("text", "Message").centre)
    desk.hands.type(SENTENCE)
    asked_s = time.monotonic()
    desk.hands.key("Return")
    live.wait_transcript(rf"^You, \d\d:\d\d, {SENTENCE}$")
    live.wait_transcript(rf"^Atlas, \d\d:\d\d, You said: {SENTENCE}$")
    assert ears.wait_onset(asked_s) < asked_s + 5
    ears.wait_silence()
    assert ears.between(asked_s).sounding_s() > 0.8


def test_what_is_said_into_the_microphone_is_said_back(desk: Stage, live: Window, ears: Ears) -> None:
    said = spoken(desk, "Hello there, can you hear what I am saying?")
    microphone = live.screen.wait("check box", "Microphone")
    microphone.press()
    assert poll(lambda: microphone.checked, 5)
    time.sleep(0.5)
    with desk.card.speaking(said):
        time.sleep(Hearing.read(said).duration_s)
        silent_until_s = time.monotonic()
    live.wait_transcript(r"^You, \d\d:\d\d, \(spoke for \d+ s\)$")
    heard_s = ears.wait_onset(silent_until_s)
    ears.wait_silence()
    back = ears.between(heard_s - 0.3)
    # Another sentence of the same voice reaches 0.3.
    assert likeness(Hearing.read(said), back) > 0.5
    microphone.press()
    assert poll(lambda: not microphone.checked, 5)


def test_the_mode_changes_at_once_and_back(desk: Stage, live: Window) -> None:
    said = live.transcript()
    for mode in ("Passthrough", "Conversation"):
        live.screen.wait("radio button", mode).press()
        wait_live_in(live, mode)
    assert live.transcript()[: len(said)] == said


def wait_live_in(program: Window, mode: str) -> None:
    assert poll(lambda: is_live_in(program, mode), 15), program.screen.listing()


def is_live_in(program: Window, mode: str) -> bool:
    button = program.screen.find("radio button", mode)
    state = program.screen.find("label", "Session state: Live")
    return button is not None and button.checked and state is not None


def test_end_session_leads_to_the_page_that_says_so(desk: Stage, live: Window) -> None:
    live.screen.press("End session")
    live.wait_state("Ended")
    assert live.screen.find("label", "Cost: free") is not None
    began_s = time.monotonic()
    live.screen.press("Start again")
    stage = live.screen.wait("filler", "Stage").box
    shown_s = eyes.wait_brighter(desk.env, picture_part(stage))
    desk.measured("Start again → first picture, warm", shown_s - began_s)
    live.wait_state("Live")


def test_the_window_is_there_soon_after_the_launch(desk: Stage) -> None:
    for _ in range(2):
        launched_s = time.monotonic()
        with running_window(desk) as pid:
            assert poll(partial(desk.hands.windows, pid), 10, every_s=0.01)
            desk.measured("launch → window on screen", time.monotonic() - launched_s)


@contextmanager
def running_window(desk: Stage) -> Iterator[int]:
    """The program alone: nobody asks it over the accessibility bus while it starts."""
    folder = desk.new_folder("launch")
    process = start(["--profile", str(folder / "profile")], desk.env, folder / "stderr.log")
    try:
        yield process.pid
        poll((folder / "profile" / "log").exists, 5)
        time.sleep(0.5)
    finally:
        assert end(process) == 0


def test_closing_the_window_while_live_ends_everything(desk: Stage) -> None:
    with desk.open("--local", "--start") as program:
        program.wait_state("Live")
        children = children_as("local", program.pid)
        assert children
        desk.hands.key("alt+F4")
        assert program.process.wait(10) == 0
        assert poll(lambda: not any(child.is_running() for child in children), 5)


def test_a_killed_program_leaves_no_local_atlas_behind(desk: Stage) -> None:
    with desk.open("--local", "--start") as program:
        program.wait_state("Live")
        children = children_as("local", program.pid)
        assert children
        program.process.send_signal(signal.SIGKILL)
        program.process.wait(5)
        assert poll(lambda: not any(child.is_running() for child in children), 5)
