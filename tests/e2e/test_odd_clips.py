"""Files as other people's programs leave them: the one that is meant is heard, each gets its length."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.desk.sound import write_wav
from tests.e2e import eyes
from tests.e2e.accessibility import poll
from tests.e2e.ears import Ears
from tests.e2e.program import Window
from tests.e2e.sounds import tone
from tests.e2e.stage import Stage
from tests.unit.media.clips import noise
from tests.unit.media.odd_files import DEFAULT, NONE, lying_xing, unknown_m4a, unknown_wav, write_tracks

SECONDS = 1.0


@pytest.fixture(scope="module")
def things(desk: Stage) -> Path:
    folder = desk.new_folder("odd")
    unknown_m4a(folder)
    unknown_wav(folder)
    silence = np.zeros(48_000, np.int16)
    write_tracks(folder / "default.mkv", (silence, NONE), (tone(900, SECONDS), DEFAULT))
    both = tone(600, SECONDS)
    write_wav(folder / "opposite.wav", np.stack((both, -both), axis=1))
    (folder / "long").mkdir()
    lying_xing(folder / "long", noise(260 * 48_000, level=0.01)).rename(folder / "long.mp3")
    levels = np.tile(np.arange(128, dtype=np.uint16) * 512, (128, 1))
    Image.fromarray(levels).save(folder / "words.png")
    return folder


@pytest.fixture(scope="module")
def program(desk: Stage) -> Iterator[Window]:
    with desk.open("--mode", "passthrough") as opened:
        opened.screen.wait("push button", "Rehearse")
        yield opened


def test_one_bad_file_never_touches_its_neighbours(
    desk: Stage, program: Window, ears: Ears, things: Path
) -> None:
    names = ("unknown.m4a", "default.mkv", "unknown.wav", "opposite.wav", "long.mp3")
    desk.drop(program, *(things / name for name in names))
    # It says 1:05 for 4:20; what is right comes soon, and without being spoken.
    wanted = ["unknown.m4a, failed", "default.mkv, 0:01, waiting", "unknown.wav, failed"]
    wanted += ["opposite.wav, 0:01, waiting", "long.mp3, 4:20, waiting"]
    assert poll(lambda: program.cues() == wanted, 20), program.cues()
    notice = program.wait_notice("No sound that can be read in")
    assert "unknown.m4a" in notice
    assert "unknown.wav" in notice
    pressed_s = time.monotonic()
    program.screen.press("Rehearse")
    program.wait_state("Live")
    begun_s = ears.wait_onset(pressed_s)
    program.wait_cue("^opposite.wav, 0:01, done$")
    assert poll(lambda: ears.between(begun_s).duration_s > 2, 10)
    heard = ears.between(begun_s)
    assert heard.between(0.2, 0.8).tone_share(900) > 0.5
    assert heard.between(1.2, 1.8).tone_share(600) > 0.5


def test_a_picture_of_sixteen_bits_is_shown_as_it_is_sent(desk: Stage, program: Window, things: Path) -> None:
    program.end_session()
    program.back_to_start()
    desk.drop(program, things / "words.png")
    face = program.screen.wait("filler", "Face: Words")
    box = eyes.middle(face.box, 0.4)
    # From black to white, left to right: cut to eight bits it would be white almost everywhere.
    assert poll(lambda: 90 < eyes.part(eyes.look(desk.env), box).mean() < 165, 5)
