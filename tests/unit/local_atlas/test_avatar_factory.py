"""The avatar that is created for a room: its renderer, its voice and its name."""

import time

import numpy as np

from atlas_desktop.assets import default_faces
from atlas_desktop.local_atlas.agent.rehearsal_agent import RehearsalAgent
from atlas_desktop.local_atlas.avatar_factory import create_avatar, persona
from atlas_desktop.local_atlas.interfaces import AUDIO_BLOCK_SAMPLES, FRAME_SIZE_PX, AgentOutput
from tests.attempts import timing_sensitive

from .stand_ins import eventually
from .test_rehearsal_agent import Log
from .toys import picture


def test_in_passthrough_no_agent_answers() -> None:
    assert not isinstance(create_avatar("passthrough", None, AgentOutput()).agent, RehearsalAgent)


def test_our_faces_have_names_and_others_do_not() -> None:
    names = {path.stem: persona(path.read_bytes())[1] for path in default_faces()}
    assert names == {"ada": "Ada", "elias": "Elias", "mei": "Mei"}
    assert persona(None)[1] in names.values()
    assert persona(picture())[1] == ""


@timing_sensitive
def test_an_avatar_is_created_quickly() -> None:
    create_avatar("conversation", None, AgentOutput())
    face = picture(2000, 2000)
    began = time.perf_counter()
    create_avatar("conversation", face, AgentOutput())
    assert time.perf_counter() - began < 0.1


async def test_a_created_avatar_shows_a_face_and_answers_aloud() -> None:
    log = Log()
    avatar = create_avatar("conversation", None, log)
    assert avatar.renderer.video_frame(0).shape == (FRAME_SIZE_PX * 3 // 2, FRAME_SIZE_PX)
    avatar.agent.receive_text("hello")
    loudest = 0

    def heard() -> bool:
        nonlocal loudest
        block = avatar.renderer.audio_block(0)
        assert block.shape == (AUDIO_BLOCK_SAMPLES, 1)
        loudest = max(loudest, int(np.abs(block.astype(int)).max()))
        return log.rests()

    await eventually(heard, "it answers")
    assert loudest > 3000
    assert log.texts == ["Hello! Nice to see you."]
    await avatar.agent.aclose()


async def test_a_new_face_is_a_new_person() -> None:
    log = Log()
    avatar = create_avatar("conversation", None, log)
    elias = next(path for path in default_faces() if path.stem == "elias")
    avatar.renderer.set_face(elias.read_bytes())
    avatar.agent.set_face(elias.read_bytes())
    avatar.agent.greet()

    def named() -> bool:
        avatar.renderer.audio_block(0)
        return "Elias" in "".join(log.texts)

    await eventually(named, "it says its new name")
    await avatar.agent.aclose()
