"""Bad input from the user: each is named, the rest goes on, and a rehearsal still works."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.desk.sound import write_wav
from tests.e2e.accessibility import poll
from tests.e2e.ears import Ears
from tests.e2e.program import Window
from tests.e2e.sounds import make_tone, make_wide, tone
from tests.e2e.stage import Stage

HOSTILE = '<b>bold</b> &amp; <img src="file:///etc/passwd"> \u202eright to left\u202c שלום {0} %s'


@pytest.fixture(scope="module")
def things(desk: Stage) -> Path:
    folder = desk.new_folder("bad")
    (folder / "words.png").write_text("these are words, not a picture")
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (2800, 2800, 3), np.uint8)).save(
        folder / "huge.png", compress_level=0
    )
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    (folder / "empty.wav").touch()
    (folder / "words.wav").write_text("these are words, not a sound")
    write_wav(folder / "silent.wav", np.zeros(24_000, np.int16))
    write_wav(folder / "cut.wav", tone(600, 2.0))
    whole = (folder / "cut.wav").read_bytes()
    # Its header promises two seconds, and only one is there.
    (folder / "cut.wav").write_bytes(whole[: len(whole) // 2 + 1])
    header = struct.pack("<4sI4s", b"RIFF", 36, b"WAVE")
    (folder / "header.wav").write_bytes(header)
    make_wide(folder / "wide.wav", 1.0)
    make_tone(folder / "good.wav", 900, 1.0)
    (folder / "nothing-in-it").mkdir()
    many = folder / "many"
    many.mkdir()
    for number in range(100):
        write_wav(many / f"{number:03d}.wav", tone(500, 0.05))
    return folder


@pytest.fixture(scope="module")
def program(desk: Stage) -> Iterator[Window]:
    with desk.open("--mode", "passthrough") as opened:
        opened.screen.wait("push button", "Rehearse")
        yield opened
        if opened.screen.find("push button", "Rehearse") is None:
            opened.end_session()
            opened.back_to_start()
        opened.rehearse_once()


def live_in(program: Window, mode: str) -> None:
    program.screen.press_radio(mode)
    if program.screen.find("push button", "Rehearse") is not None:
        program.screen.press("Rehearse")
    assert poll(lambda: is_live_in(program, mode), 20), program.screen.listing()


def is_live_in(program: Window, mode: str) -> bool:
    button = program.screen.find("radio button", mode)
    state = program.screen.find("label", "Session state: Live")
    return button is not None and button.checked and state is not None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("words.png", "words.png is not a picture"),
        ("huge.png", r"huge.png is too large \(2\d MB\)"),
        ("dot.png", "dot.png is too small"),
    ],
)
def test_a_bad_face_is_named(desk: Stage, program: Window, things: Path, name: str, words: str) -> None:
    before = program.screen.wait("filler", "Face: .*").name
    desk.drop(program, things / name)
    program.wait_notice(words)
    assert program.screen.wait("filler", "Face: .*").name == before
    program.screen.press("Close notice")


def test_a_folder_without_sound_and_an_address_are_named(desk: Stage, program: Window, things: Path) -> None:
    desk.drop(program, things / "nothing-in-it")
    program.wait_notice("No sound files in nothing-in-it")
    middle = program.screen.wait("frame", "Atlas Desktop").centre
    desk.hands.drag("url", ["https://example.com/page.html?token=secret"], middle)
    notice = program.wait_notice("Not accepted: example.com/page.html")
    assert "secret" not in notice


def test_broken_sound_is_named_and_the_rest_is_spoken(
    desk: Stage, program: Window, ears: Ears, things: Path
) -> None:
    live_in(program, "Passthrough")
    names = ("empty.wav", "header.wav", "words.wav", "silent.wav", "cut.wav", "wide.wav", "good.wav")
    released_s = desk.drop(program, *(things / name for name in names))
    program.wait_notice("empty.wav is empty")
    program.wait_notice("No sound that can be read in (words.wav, header.wav|header.wav, words.wav)")
    for name in ("empty.wav", "header.wav", "words.wav"):
        program.wait_cue(f"^{name}, failed$")
    program.wait_notice("Nothing can be heard in “silent.wav”")
    for name in ("silent.wav", "cut.wav", "wide.wav", "good.wav"):
        program.wait_cue(f"^{name}, 0:0[0-2], done$")
    ears.wait_silence()
    heard = ears.between(ears.wait_onset(released_s))
    assert 2.4 < heard.sounding_s() < 3.6
    # A second each of 600, 500 and 900 Hz.
    assert heard.tone_share(900) > 0.05


def test_a_hundred_files_at_once_are_taken(desk: Stage, program: Window, things: Path) -> None:
    known = len(program.cues())
    desk.drop(program, *sorted((things / "many").iterdir()))
    assert poll(lambda: len(program.cues()) == known + 100, 30), len(program.cues())
    program.wait_cue(r"^099\.wav, 0:00, done$", 60)
    # Each has its length, also one that was spoken before it was looked at.
    wanted = [f"{n:03d}.wav, 0:00, done" for n in range(100)]
    assert poll(lambda: program.cues()[known:] == wanted, 30), program.cues()[known:]


def test_a_message_of_100_000_characters_is_said_to_be_too_long(desk: Stage, program: Window) -> None:
    live_in(program, "Conversation")
    desk.paste(program, "Message", "word " * 20_000)
    program.screen.wait("label", r".*(100\D?000|99\D?999) (characters|of \d+\D?\d+ characters).*")
    assert not program.screen.wait("push button", "Send").enabled or not message(program)
    desk.hands.key("ctrl+a", "Delete")


def message(program: Window) -> str:
    return program.screen.wait("text", "Message").text


def test_markup_and_direction_signs_are_mere_text(desk: Stage, program: Window) -> None:
    live_in(program, "Conversation")
    desk.paste(program, "Message", HOSTILE)
    assert poll(lambda: "<b>bold</b>" in message(program), 5), message(program)
    desk.hands.key("Return")
    mine = program.wait_transcript(r"^You, \d\d:\d\d, <b>bold</b> &amp; <img src=")
    assert mine.endswith("שלום {0} %s")
    program.wait_transcript(r"^Atlas, \d\d:\d\d, .*<b>bold</b> &amp;")
