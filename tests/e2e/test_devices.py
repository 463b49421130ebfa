"""Another speaker, chosen by name in the settings of a live window: the sound goes there, next time too."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.accessibility import poll
from tests.e2e.program import Window
from tests.e2e.stage import Stage

HEADSET = "headset"


@pytest.fixture
def headset(desk: Stage) -> Iterator[str]:
    words = ["module-null-sink", f"sink_name={HEADSET}", f"sink_properties=device.description={HEADSET}"]
    module = desk.card.control("load-module", *words, "norewinds=1").strip()
    yield HEADSET
    desk.card.control("unload-module", module)


def plays_on(desk: Stage, name: str) -> bool:
    sinks = dict(line.split("\t")[:2] for line in desk.card.control("list", "short", "sinks").splitlines())
    inputs = desk.card.control("list", "short", "sink-inputs").splitlines()
    return any(sinks.get(line.split("\t")[1]) == name for line in inputs)


def choose_last(desk: Stage, program: Window, chosen_before: str) -> None:
    program.screen.press("Settings")
    # On Linux Qt names such a list by what is chosen in it.
    field = program.screen.wait("combo box", chosen_before)
    desk.hands.click(*field.centre)
    desk.hands.key("End", "Return")
    program.screen.press("Done")


def test_a_speaker_is_chosen_by_name_and_remembered(desk: Stage, headset: str) -> None:
    folder = desk.new_folder("devices")
    with desk.open("--local", "--start", folder=folder) as program:
        program.wait_state("Live")
        assert poll(lambda: plays_on(desk, "speaker"), 10)
        choose_last(desk, program, "As the system: speaker")
        assert poll(lambda: plays_on(desk, headset), 10)
        assert not plays_on(desk, "speaker")
    with desk.open("--local", "--start", folder=folder) as program:
        program.wait_state("Live")
        assert poll(lambda: plays_on(desk, headset), 10)


def test_the_window_never_loads_what_the_sound_server_takes_along(desk: Stage) -> None:
    with desk.open("--local", "--start", "--mic") as program:
        program.wait_state("Live")
        assert poll(lambda: plays_on(desk, "speaker"), 10)
        assert 'application.name = "Atlas Desktop"' in desk.card.control("list", "sink-inputs")
        loaded = Path(f"/proc/{program.pid}/maps").read_text()
        assert "QtMultimedia" not in loaded
        assert "libpulse" not in loaded
        children = psutil.Process(program.pid).children()
        assert any("QtMultimedia" in Path(f"/proc/{child.pid}/maps").read_text() for child in children)


def test_the_sound_server_may_die_in_a_call_with_the_settings_open(desk: Stage) -> None:
    with desk.open("--local", "--start", "--mic") as program:
        program.wait_state("Live")
        assert poll(lambda: plays_on(desk, "speaker"), 10)
        assert poll(lambda: listens(desk), 10)
        program.screen.press("Settings")
        program.screen.wait("combo box", "As the system: speaker")
        desk.card.kill()
        # No device is listed any more.
        program.screen.wait("combo box", "As the system")
        program.wait_notice("sound server has stopped")
        desk.card.start()
        program.screen.wait("combo box", "As the system: speaker")
        assert poll(lambda: plays_on(desk, "speaker") and listens(desk), 10)
        assert poll(lambda: program.screen.find("label", "(?s)Notice: .*sound server.*") is None, 10)
        program.screen.press("Done")
        program.end_session()
        os.kill(program.pid, 0)


def listens(desk: Stage) -> bool:
    return "QtmPulseStream" in desk.card.control("list", "source-outputs")
