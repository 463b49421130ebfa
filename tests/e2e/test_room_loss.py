"""Rooms that lose their network, their avatar or our voice, as the user meets them."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.accessibility import poll
from tests.e2e.program import LocalAtlas, Window
from tests.e2e.sounds import make_tone
from tests.e2e.stage import Stage


@pytest.fixture
def program(desk: Stage, atlas: LocalAtlas) -> Iterator[Window]:
    """A paid conversation that is live."""
    with desk.open("--start", ATLAS_API_BASE=atlas.base, ATLAS_API_KEY=atlas.key) as opened:
        opened.wait_state("Live")
        yield opened


def write(desk: Stage, program: Window, words: str) -> None:
    desk.hands.click(*program.screen.wait("text", "Message").centre)
    desk.hands.type(words)
    desk.hands.key("Return")


def test_a_lost_network_is_said_on_the_stage_within_seconds(
    desk: Stage, program: Window, atlas: LocalAtlas
) -> None:
    program.screen.wait("label", r"Latency: \d+ ms")
    lost_s = time.monotonic()
    atlas.order({"room": {"order": "drop_network", "seconds": 8}})
    program.screen.wait("label", "The connection broke. It is being restored…", 10)
    said_ms = desk.measured("network lost → said on the stage", time.monotonic() - lost_s)
    assert said_ms < 6_000
    program.wait_state("Reconnecting")
    program.wait_state("Live")
    program.end_session()
    atlas.wait_all_ended()


def test_an_avatar_that_left_is_asked_about_and_started_anew(
    desk: Stage, program: Window, atlas: LocalAtlas
) -> None:
    atlas.order({"room": {"order": "vanish"}})
    program.wait_words("The avatar has left", 40)
    assert program.screen.find("push button", "Wait") is not None
    write(desk, program, "anybody there")
    program.wait_transcript(r"^You, \d\d:\d\d, anybody there, not delivered$")
    program.screen.press("Start anew")
    program.wait_transcript(r"^Atlas, \d\d:\d\d, You said: anybody there")
    program.wait_transcript(r"^You, \d\d:\d\d, anybody there$")
    program.end_session()
    atlas.wait_all_ended()


def test_what_was_not_sent_is_sent_again_in_the_next_session(
    desk: Stage, program: Window, atlas: LocalAtlas
) -> None:
    atlas.order({"room": {"order": "vanish"}})
    program.screen.wait("label", "The picture has stopped. Waiting for the next one…")
    write(desk, program, "the moon is bright")
    program.wait_transcript(r"^You, \d\d:\d\d, the moon is bright, not delivered$")
    atlas.order({"room": {"order": "disconnect", "reason": "ROOM_DELETED"}})
    program.wait_state("Failed")
    program.wait_words("Atlas closed the avatar's room")
    program.screen.press("Retry")
    program.wait_state("Live")
    program.wait_transcript(r"^You, \d\d:\d\d, the moon is bright, not sent$")
    program.screen.press("Send again")
    program.wait_transcript(r"^Atlas, \d\d:\d\d, You said: the moon is bright")
    assert poll(lambda: program.screen.find("push button", "Send again") is None, 5)
    program.end_session()
    atlas.wait_all_ended()


def test_a_cue_whose_track_the_room_mutes_waits_and_says_so(
    desk: Stage, atlas: LocalAtlas, tmp_path: Path
) -> None:
    clip = make_tone(tmp_path / "long.wav", 500, 8.0)
    with desk.open(
        "--start", "--mode", "passthrough", str(clip), ATLAS_API_BASE=atlas.base, ATLAS_API_KEY=atlas.key
    ) as program:
        program.wait_state("Live")
        program.wait_cue("playing")
        program.screen.wait("label", r"Latency: \d+ ms")
        atlas.order({"room": {"order": "mute_tracks"}})
        program.wait_notice("The room has muted what is spoken here")
        program.wait_cue("paused")
        program.screen.press("Unmute")
        program.wait_cue("playing")
        program.wait_cue("done", 30)
        assert not program.screen.find("label", "(?s)Notice: .*muted.*")
        program.end_session()
    atlas.wait_all_ended()
