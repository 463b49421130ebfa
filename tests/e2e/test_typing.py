"""Hands that go on while a session ends by itself: no key of theirs may start another."""

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from atlas_desktop.ui.look.press_guard import KEY_AFTER_S
from tests.e2e.accessibility import poll
from tests.e2e.program import LocalAtlas, Window, give_settings
from tests.e2e.stage import Stage

LIMIT_S = 10.0


@pytest.fixture
def profile(desk: Stage) -> Path:
    return desk.new_folder("typing")


@pytest.fixture
def limited(desk: Stage, atlas: LocalAtlas, profile: Path) -> Iterator[Window]:
    """A paid session that is live, and soon ends by its limit."""
    give_settings(profile / "profile", limits_seen=True, limit_session_s=LIMIT_S)
    with desk.open("--start", folder=profile, ATLAS_API_BASE=atlas.base, ATLAS_API_KEY=atlas.key) as program:
        program.wait_state("Live")
        yield program


def test_space_held_while_typing_goes_into_the_message_and_starts_nothing(
    desk: Stage, limited: Window, atlas: LocalAtlas
) -> None:
    field = limited.screen.wait("text", "Message")
    desk.hands.click(*field.centre)
    desk.hands.type("I was saying")
    with desk.hands.holding("space"):
        limited.wait_state("Ended", 30)
        ended_s = time.monotonic()
        held = field.text
        # It repeats on and on, on the other page, too.
        assert poll(lambda: len(field.text) > len(held) > len("I was saying"), 10)
    desk.hands.key("space", "space", "Return", "space")
    desk.hands.type("more")
    assert poll(lambda: field.text.endswith("more"), 10)
    assert field.text.split() == ["I", "was", "saying", "more"]
    assert field.focused
    limited.wait_words("Kept for the next session")
    assert poll(lambda: time.monotonic() - ended_s > 2 * KEY_AFTER_S, 10)
    # Elsewhere people send with it: in the message it starts nothing, however late.
    desk.hands.key("ctrl+Return", "ctrl+KP_Enter")
    desk.hands.type(" on")
    assert poll(lambda: field.text.endswith("more on"), 10)
    limited.wait_state("Ended")
    assert len(atlas.sessions()) == 1
    limited.screen.press("Start again")
    limited.wait_state("Live")
    assert field.text.split() == ["I", "was", "saying", "more", "on"]
    field.focus()
    desk.hands.key("ctrl+Return")
    limited.wait_transcript(r"You, .*I was saying\s+more on")


@pytest.mark.parametrize("chord", ["space", "ctrl+Return"])
def test_keys_on_the_stage_start_nothing_as_it_goes(
    desk: Stage, limited: Window, atlas: LocalAtlas, chord: str
) -> None:
    def ended() -> bool:
        desk.hands.key(chord)
        return limited.screen.find("label", "Session state: Ended") is not None

    assert poll(ended, 30)
    desk.hands.key(chord, chord, chord)
    assert len(atlas.sessions()) == 1
    if chord == "ctrl+Return":
        # After a moment it is meant.
        assert poll(lambda: bool(desk.hands.key(chord)) and len(atlas.sessions()) == 2, 20, every_s=0.5)


def test_keys_held_from_before_the_end_start_nothing(desk: Stage, limited: Window, atlas: LocalAtlas) -> None:
    with desk.hands.holding("ctrl+Return"):
        limited.wait_state("Ended", 30)
        # Some of the repeats look like presses, and after 2 s a press would count.
        assert not poll(lambda: len(atlas.sessions()) > 1, 5.0)
    assert len(atlas.sessions()) == 1


def test_full_screen_from_the_command_line_lasts_until_the_end(desk: Stage, profile: Path) -> None:
    def is_live(number: int) -> bool:
        # In full screen it is told while the pointer moves.
        desk.hands.move(300 + number % 2, 300)
        return program.screen.find("label", "Session state: Live") is not None

    with desk.open("--local", "--start", "--fullscreen", folder=profile) as program:
        numbers = count()
        assert poll(lambda: is_live(next(numbers)), 60)
        frame = program.screen.wait("frame", "Atlas Desktop")
        whole = frame.box
        assert whole[:2] == (0, 0)
        desk.hands.key("F11")
        assert poll(lambda: frame.box[3] < whole[3], 10)
        desk.hands.key("F11")
        assert poll(lambda: frame.box == whole, 10)
        desk.hands.key("ctrl+e")
        program.wait_state("Ended")
        assert poll(lambda: frame.box[3] < whole[3], 10)
