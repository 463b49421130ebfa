"""Disks that are slow, hang or fail, and what is no file at all: the window goes on, nothing is lost."""

import errno
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.desk.slow_disk import SlowDisk, slow_disk
from tests.e2e.accessibility import Control, poll
from tests.e2e.program import Window
from tests.e2e.sounds import make_tone
from tests.e2e.stage import Stage

A_LONG_TIME_S = 10.0


@pytest.fixture(scope="module")
def tone(desk: Stage) -> Path:
    return make_tone_at(desk.new_folder("tone") / "tone.wav")


def make_tone_at(path: Path) -> Path:
    make_tone(path, 700, 1.0)
    return path


@pytest.fixture
def disk(desk: Stage, tone: Path) -> Iterator[SlowDisk]:
    sound = tone.read_bytes()
    with slow_disk(desk.new_folder("slow") / "disk", **{"first.wav": sound, "second.wav": sound}) as disk:
        yield disk


@pytest.fixture
def program(desk: Stage) -> Iterator[Window]:
    with desk.open("--mode", "passthrough") as opened:
        opened.screen.wait("push button", "Rehearse")
        yield opened


def assert_it_answers(program: Window, seconds: float) -> None:
    """The window answers a screen reader all the time: usually at once, never late."""
    assert_answers(program.screen.wait("push button", "Rehearse"), seconds)


def assert_answers(button: Control, seconds: float) -> None:
    took_s = []
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        asked_s = time.monotonic()
        assert button.name == "Rehearse"
        took_s.append(time.monotonic() - asked_s)
        time.sleep(0.02)
    assert statistics.median(took_s) < 0.1, sorted(took_s)[-5:]
    assert max(took_s) < 1.0, sorted(took_s)[-5:]


def test_a_drop_from_a_disk_that_takes_10_s_a_look_holds_nothing_up_and_arrives(
    desk: Stage, program: Window, disk: SlowDisk, tone: Path
) -> None:
    disk.lookup_s = A_LONG_TIME_S
    desk.drop(program, disk.path("first.wav"), disk.path("second.wav"))
    assert poll(program.cues, 2) == ["first.wav, reading…", "second.wav, reading…"]
    desk.drop(program, tone)
    assert_it_answers(program, 3.0)
    program.wait_cue("^tone.wav, 0:01, waiting$")
    program.wait_cue("^second.wav.*, waiting$", 3 * A_LONG_TIME_S)
    assert [cue.split(",")[0] for cue in program.cues()] == ["first.wav", "second.wav", "tone.wav"]
    disk.lookup_s = 0.2
    program.screen.press("Rehearse")
    program.wait_cue("^tone.wav, 0:01, done$", 30)
    assert [cue.split(", ")[-1] for cue in program.cues()] == ["done"] * 3


def test_a_disk_that_never_answers_holds_up_neither_a_start_nor_the_end(
    desk: Stage, disk: SlowDisk, tone: Path
) -> None:
    disk.lookup_s = 1000.0
    face, dead = disk.path("face.png"), disk.path("first.wav")
    with desk.open("--local", "--face", str(face), str(dead), str(tone)) as program:
        program.wait_cue("^first.wav, reading…$")
        program.wait_cue("^tone.wav, 0:01, waiting$")
        assert_it_answers(program, 1.0)
        # The face is waited for, and can be done without.
        program.screen.press("Rehearse")
        program.screen.press("Cancel")
        program.back_to_start()
        asked_s = time.monotonic()
        program.process.terminate()
        assert program.process.wait(10) == 0
        assert time.monotonic() - asked_s < 8


def test_a_disk_that_does_not_answer_is_given_up_and_the_rest_is_spoken(
    desk: Stage, disk: SlowDisk, tone: Path
) -> None:
    disk.lookup_s = 1000.0
    with desk.open("--local", "--start", str(disk.path("first.wav")), str(tone)) as program:
        program.wait_state("Live")
        program.wait_notice("first.wav doesn't answer", 50)
        program.wait_cue("^first.wav, failed$")
        program.wait_cue("^tone.wav, 0:01, done$")


def test_a_disk_that_fails_is_named_with_what_it_said(desk: Stage, program: Window, disk: SlowDisk) -> None:
    said = {
        "denied.wav": (errno.EACCES, "denied.wav may not be read"),
        "broken.wav": (errno.EIO, "The disk of broken.wav reports an error"),
        "stale.wav": (errno.ESTALE, "stale.wav"),
        "circle.wav": (errno.ELOOP, "circle.wav is a link that leads back to itself"),
        "denied.png": (errno.EACCES, "denied.png may not be read"),
    }
    for name, (number, words) in said.items():
        disk.errors[name.encode()] = number
        desk.drop(program, disk.path(name))
        program.wait_notice(words)
        program.screen.press("Close notice")
    assert [cue.split(",")[0] for cue in program.cues()] == [name for name in said if name.endswith("wav")]


def test_a_file_that_goes_between_drop_and_reading_is_named(
    desk: Stage, program: Window, disk: SlowDisk
) -> None:
    disk.lookup_s = 1.0
    disk.files[b"going.wav"] = b"x"
    desk.drop(program, disk.path("going.wav"))
    assert program.cues() == ["going.wav, reading…"]
    del disk.files[b"going.wav"]
    program.wait_notice("going.wav is no longer there")
    program.wait_cue("^going.wav, missing$")


def test_pipes_sockets_devices_and_circles_are_named_and_the_rest_is_spoken(
    desk: Stage, program: Window, tone: Path
) -> None:
    folder = desk.new_folder("odd")
    os.mkfifo(folder / "pipe.wav")
    (folder / "zero.wav").symlink_to("/dev/zero")
    (folder / "terminal.wav").symlink_to("/dev/ptmx")
    (folder / "circle.wav").symlink_to("circle.wav")
    os.mkfifo(folder / "no ending")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(folder / "socket.wav"))
        for name, words in (
            ("pipe.wav", "pipe.wav is not a file, but a pipe"),
            ("zero.wav", "not files: zero.wav, pipe.wav"),
            ("terminal.wav", "not files: terminal.wav, zero.wav, pipe.wav"),
            ("no ending", "not files: no ending, terminal.wav"),
            ("socket.wav", "not files: socket.wav, no ending"),
            ("circle.wav", "leads back to itself"),
        ):
            desk.drop(program, folder / name)
            program.wait_notice(words)
            program.screen.press("Close notice")
    (folder / "tone.wav").write_bytes(tone.read_bytes())
    known = len(program.cues())
    desk.drop(program, folder)
    program.wait_cue("^tone.wav, 0:01, waiting$")
    assert len(program.cues()) == known + 1


def test_a_pipe_as_a_face_is_named_and_holds_up_no_start(desk: Stage) -> None:
    pipe = desk.new_folder("pipe") / "face.png"
    os.mkfifo(pipe)
    with desk.open("--local", "--start", "--face", str(pipe)) as program:
        program.wait_notice("face.png is not a picture")
        program.wait_state("Live")
        asked_s = time.monotonic()
        program.process.terminate()
        assert program.process.wait(15) == 0
        assert time.monotonic() - asked_s < 12


def test_names_are_bytes_and_are_shown_readably(desk: Stage, program: Window, tone: Path) -> None:
    folder = desk.new_folder("names")
    names = {
        b"caf\xe9.wav": "caf\ufffd.wav",
        b"two\nlines\t\x07.wav": "two lines .wav",
        "tfel\u202egnp.wav".encode(): "tfelgnp.wav",
        "שיר 1.wav".encode(): "שיר 1.wav",
        b"50%25 #1?.wav": "50%25 #1?.wav",
    }
    for name in names:
        (folder / os.fsdecode(name)).write_bytes(tone.read_bytes())
    middle = program.screen.wait("frame", "Atlas Desktop").centre
    desk.hands.drag("url", [(folder / os.fsdecode(name)).as_uri() for name in names], middle)
    for shown in names.values():
        program.wait_cue(f"^{shown.replace('?', '[?]')}, 0:01, waiting$")
    desk.hands.drag("url", [(folder / os.fsdecode(b"gone \xff\xfe.wav")).as_uri()], middle)
    program.wait_notice("gone \ufffd\ufffd.wav is no longer there")


def test_addresses_of_this_computer_are_its_files_and_of_another_are_said_to_be_elsewhere(
    desk: Stage, program: Window, tone: Path
) -> None:
    middle = program.screen.wait("frame", "Atlas Desktop").centre
    here = [f"file://{host}{tone}" for host in ("localhost", socket.gethostname())] + [f"file:{tone}"]
    desk.hands.drag("url", here, middle)
    assert poll(lambda: program.cues() == ["tone.wav, 0:01, waiting"] * 3, 10), program.cues()
    for address in ("file://otherhost/share/theirs.wav", "file:////otherhost/share/theirs.wav"):
        desk.hands.drag("url", [address], middle)
        program.wait_notice(r"theirs.wav lies on another computer \(otherhost\)")
        program.screen.press("Close notice")
    assert len(program.cues()) == 3


def test_a_name_that_no_disk_takes_is_named(desk: Stage, program: Window) -> None:
    desk.drop(program, Path("/tmp") / ("a" * 300 + ".wav"))
    program.wait_notice("can't be the name of a file here")
    desk.drop(program, Path("/tmp") / ("b" * 300 + ".png"))
    program.wait_notice("bbb.*can't be the name of a file here")


def test_of_a_folder_of_10_000_files_the_first_thousand_are_taken_in_natural_order(
    desk: Stage, program: Window, tone: Path
) -> None:
    folder = desk.new_folder("many")
    for number in range(10_000):
        (folder / f"take {number + 1}.wav").touch()
    desk.drop(program, tone)
    # Found now: to walk through a thousand cues takes a screen reader some time.
    button = program.screen.wait("push button", "Rehearse")
    strip = program.screen.wait("list", "Cue strip")
    desk.drop(program, folder)
    assert_answers(button, 3.0)
    assert poll(lambda: len(strip.children) == 1001, 60), len(strip.children)
    cues = strip.children
    assert [cues[place].name.split(",")[0] for place in (1, 9, 10, 1000)] == [
        "take 1.wav",
        "take 9.wav",
        "take 10.wav",
        "take 1000.wav",
    ]


def test_arguments_that_lead_nowhere_are_named_in_the_window(desk: Stage, tone: Path) -> None:
    folder = desk.new_folder("arguments")
    (folder / "empty").mkdir()
    (folder / "file").write_bytes(tone.read_bytes())
    arguments = [
        "nowhere.wav",
        str(folder / "empty"),
        str(folder / "file" / "below.wav"),
        "x" * 300,
        str(tone),
    ]
    with desk.open(*arguments) as program:
        program.wait_cue("^tone.wav, 0:01, waiting$")
        program.wait_cue("^nowhere.wav, missing$")
        program.wait_cue("^below.wav, missing$")
        program.wait_cue("^xxx.*, failed$")
        program.wait_notice("No sound files in empty")


def test_a_relative_argument_from_a_folder_that_is_gone_is_named(desk: Stage) -> None:
    folder = desk.new_folder("program")
    words = [sys.executable, "-c", _FROM_A_GONE_FOLDER, "--profile", str(folder / "profile"), "song.wav"]
    with desk.open(folder=folder) as first:
        env = {**desk.env, "PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        first.wait_cue("^song.wav, missing$")


_FROM_A_GONE_FOLDER = """
import os, sys, tempfile
os.chdir(tempfile.mkdtemp())
from atlas_desktop.__main__ import main
os.rmdir(os.getcwd())
sys.exit(main(sys.argv[1:]))
"""


def test_a_picture_from_a_disk_that_takes_its_time_becomes_the_face(
    desk: Stage, program: Window, disk: SlowDisk, tmp_path: Path
) -> None:
    Image.new("RGB", (300, 300), (230, 30, 40)).save(tmp_path / "red.png")
    disk.files[b"red.png"] = (tmp_path / "red.png").read_bytes()
    disk.lookup_s, disk.read_s = 2.0, 1.0
    desk.drop(program, disk.path("red.png"))
    assert_it_answers(program, 2.0)
    program.screen.wait("filler", "Face: Red")
