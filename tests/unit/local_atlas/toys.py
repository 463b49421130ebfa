"""The smallest avatar that a local Atlas can run with, and pictures to give it a face."""

import io

import numpy as np
from PIL import Image

from atlas_desktop.local_atlas.stage import SOUND_BLOCK_SAMPLES, Cast, Picture, Sound, Stage


class StillPerformer:
    """Shows grey, says what it is given."""

    def __init__(self, face: bytes | None) -> None:
        self.faces = [face]
        self.waiting: list[Sound] = []

    def picture(self, index: int) -> Picture:
        return np.full((96, 64), 128, np.uint8)

    def sound(self, index: int) -> Sound:
        return self.waiting.pop(0) if self.waiting else np.zeros((SOUND_BLOCK_SAMPLES, 1), np.int16)

    def push_speech(self, block: Sound) -> None:
        self.waiting.append(block)

    def flush(self) -> None:
        self.waiting.clear()

    def set_face(self, face: bytes) -> None:
        self.faces.append(face)


class Troupe:
    """Casts still performers and remembers them. ``troupe.cast`` is a ``Casting``."""

    def __init__(self) -> None:
        self.performers: list[StillPerformer] = []

    def cast(self, mode: str, face: bytes | None, stage: Stage) -> Cast:
        self.performers.append(StillPerformer(face))
        return Cast(self.performers[-1])


def picture(width: int = 80, height: int = 80, kind: str = "PNG", **options: object) -> bytes:
    """A picture file with something on it."""
    out = io.BytesIO()
    gradient = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    gradient.save(out, kind, **options)
    return out.getvalue()
