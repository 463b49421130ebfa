"""What a drop means where: on the start page, in a conversation; sound, a folder, a picture, a text."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e import eyes
from tests.e2e.accessibility import poll
from tests.e2e.ears import Ears
from tests.e2e.program import Window
from tests.e2e.sounds import make_tone
from tests.e2e.stage import Stage

RED = (230, 30, 40)
WORDS = "A line of text, dropped"


@pytest.fixture(scope="module")
def things(desk: Stage) -> Path:
    folder = desk.new_folder("things")
    Image.new("RGB", (300, 300), RED).save(folder / "red.png")
    inside = folder / "album"
    inside.mkdir()
    for number in (10, 2, 1):
        make_tone(inside / f"track {number}.wav", 400 + 100 * number, 0.8)
    (inside / "notes.txt").write_text("not a sound")
    for name, frequency_hz in (("first", 600), ("second", 900)):
        make_tone(folder / f"{name}.wav", frequency_hz, 1.0)
    return folder


@pytest.fixture(scope="module")
def program(desk: Stage) -> Iterator[Window]:
    with desk.open() as opened:
        opened.screen.wait("push button", "Rehearse")
        yield opened


def rehearse(program: Window, mode: str) -> None:
    """Leads to a rehearsal in ``mode``, whatever is going on."""
    if program.screen.find("push button", "Rehearse") is not None:
        program.screen.press_radio(mode)
        program.screen.press("Rehearse")
    program.wait_state("Live")
    if not program.screen.wait("radio button", mode).checked:
        program.screen.press_radio(mode)
        assert poll(lambda: program.screen.wait("radio button", mode).checked, 10)
        program.wait_state("Live")


def test_a_dropped_picture_becomes_the_face(desk: Stage, program: Window, things: Path) -> None:
    desk.drop(program, things / "red.png")
    face = program.screen.wait("filler", "Face: Red")
    shown = eyes.part(eyes.look(desk.env), eyes.middle(face.box, 0.3))
    assert abs(shown.reshape(-1, 3).mean(axis=0) - RED).max() < 10


def test_sound_dropped_on_the_start_page_plays_once_live(
    desk: Stage, program: Window, ears: Ears, things: Path
) -> None:
    desk.drop(program, things / "second.wav", things / "first.wav")
    program.wait_cue("^first.wav, 0:01, waiting$")
    assert [cue.split(",")[0] for cue in program.cues()] == ["second.wav", "first.wav"]
    assert program.screen.wait("radio button", "Passthrough").checked
    began_s = time.monotonic()
    assert ears.onset_s(began_s - 1) is None
    program.screen.press("Rehearse")
    program.wait_state("Live")
    heard_s = ears.wait_onset(began_s)
    program.wait_cue("^first.wav, 0:01, done$")
    ears.wait_silence()
    heard = ears.between(heard_s)
    for number, frequency_hz in enumerate((900, 600)):
        assert heard.between(number + 0.2, number + 0.8).tone_share(frequency_hz) > 0.5


def test_sound_dropped_in_a_conversation_waits_for_one_press(
    desk: Stage, program: Window, ears: Ears, things: Path
) -> None:
    rehearse(program, "Conversation")
    known = len(program.cues())
    desk.drop(program, things / "album")
    program.wait_notice("waits in the strip")
    names = [cue.split(",")[0] for cue in program.cues()[known:]]
    assert names == ["track 1.wav", "track 2.wav", "track 10.wav"]
    ears.wait_silence()
    pressed_s = time.monotonic()
    program.screen.press("Switch to passthrough and play")
    program.wait_cue("^track 10.wav, 0:01, done$")
    assert program.screen.wait("radio button", "Passthrough").checked
    ears.wait_silence()
    heard = ears.between(ears.wait_onset(pressed_s))
    for number, frequency_hz in enumerate((500, 600, 1400)):
        assert heard.between(number * 0.8 + 0.2, number * 0.8 + 0.6).tone_share(frequency_hz) > 0.5


def test_a_dropped_text_becomes_the_message(desk: Stage, program: Window) -> None:
    rehearse(program, "Conversation")
    desk.hands.drag("text", [WORDS], program.screen.wait("filler", "Stage").centre)
    message = program.screen.wait("text", "Message")
    assert poll(lambda: message.text == WORDS, 5), message.text
    program.screen.press("Send")
    program.wait_transcript(rf"^You, \d\d:\d\d, {WORDS}$")
