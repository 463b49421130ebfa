"""Who plays: the avatar, its voice and its name."""

import time

import numpy as np

from atlas_desktop.assets import default_faces
from atlas_desktop.local_atlas.casting import cast, persona
from atlas_desktop.local_atlas.rest.render import Silent
from atlas_desktop.local_atlas.stage import PICTURE_SIZE_PX, SOUND_BLOCK_SAMPLES
from tests.attempts import timing_sensitive

from .stand_ins import eventually
from .test_mind import Log
from .toys import picture


def test_in_passthrough_there_is_no_mind() -> None:
    assert cast("passthrough", None, Silent()).mind is None


def test_our_faces_have_names_and_others_do_not() -> None:
    names = {path.stem: persona(path.read_bytes())[1] for path in default_faces()}
    assert names == {"ada": "Ada", "elias": "Elias", "mei": "Mei"}
    assert persona(None)[1] in names.values()
    assert persona(picture())[1] == ""


@timing_sensitive
def test_casting_is_quick() -> None:
    cast("conversation", None, Silent())
    face = picture(2000, 2000)
    began = time.perf_counter()
    cast("conversation", face, Silent())
    assert time.perf_counter() - began < 0.1


async def test_a_cast_avatar_shows_a_face_and_answers_aloud() -> None:
    log = Log()
    casted = cast("conversation", None, log)
    assert casted.mind is not None
    assert casted.performer.picture(0).shape == (PICTURE_SIZE_PX * 3 // 2, PICTURE_SIZE_PX)
    casted.mind.hear_text("hello")
    loudest = 0

    def heard() -> bool:
        nonlocal loudest
        block = casted.performer.sound(0)
        assert block.shape == (SOUND_BLOCK_SAMPLES, 1)
        loudest = max(loudest, int(np.abs(block.astype(int)).max()))
        return log.rests()

    await eventually(heard, "it answers")
    assert loudest > 3000
    assert log.texts == ["Hello! Nice to see you."]
    await casted.mind.aclose()


async def test_a_new_face_is_a_new_person() -> None:
    log = Log()
    casted = cast("conversation", None, log)
    assert casted.mind is not None
    elias = next(path for path in default_faces() if path.stem == "elias")
    casted.performer.set_face(elias.read_bytes())
    casted.mind.greet()

    def named() -> bool:
        casted.performer.sound(0)
        return "Elias" in "".join(log.texts)

    await eventually(named, "it says its new name")
    await casted.mind.aclose()
