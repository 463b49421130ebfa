from dataclasses import dataclass
from typing import Any, cast

from atlas_desktop.session.activity import AgentActivity


@dataclass
class Flow:
    last_frame_us: int | None = None
    last_sound_us: int | None = None


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def test_a_picture_is_frozen_after_a_second_and_a_half() -> None:
    flow, clock = Flow(), Clock()
    activity = AgentActivity(cast(Any, flow), cast(Any, flow), clock)
    assert not activity.frozen
    flow.last_frame_us = 0
    clock.now = 1_500_000
    assert not activity.frozen
    clock.now += 1
    assert activity.frozen


def test_the_agents_state_is_its_own_word_else_what_is_heard() -> None:
    flow, clock = Flow(), Clock()
    activity = AgentActivity(cast(Any, flow), cast(Any, flow), clock)
    assert activity.agent_state == "listening"
    flow.last_sound_us = 0
    clock.now = 100_000
    assert activity.agent_state == "speaking"
    assert activity.set_reported("thinking")
    assert activity.agent_state == "thinking"
    assert not activity.set_reported("thinking")
    assert activity.set_reported("dancing")  # not a state: what is heard counts again
    assert activity.agent_state == "speaking"
    clock.now = 500_000
    assert activity.agent_state == "listening"
