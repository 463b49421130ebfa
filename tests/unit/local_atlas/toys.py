"""The smallest avatar that a local Atlas can run with, and pictures to give it a face."""

import io

import numpy as np
from PIL import Image

from atlas_desktop.local_atlas.interfaces import (
    AUDIO_BLOCK_SAMPLES,
    AgentOutput,
    AvatarComponents,
    I420Frame,
    Pcm,
)


class StillRenderer:
    """Renders grey frames and the audio pushed."""

    def __init__(self, face: bytes | None) -> None:
        self.faces = [face]
        self.waiting: list[Pcm] = []

    @property
    def queued_samples(self) -> int:
        return sum(map(len, self.waiting))

    def video_frame(self, index: int) -> I420Frame:
        return np.full((96, 64), 128, np.uint8)

    def audio_block(self, index: int) -> Pcm:
        return self.waiting.pop(0) if self.waiting else np.zeros((AUDIO_BLOCK_SAMPLES, 1), np.int16)

    def push_audio(self, block: Pcm) -> None:
        self.waiting.append(block)

    def flush(self) -> None:
        self.waiting.clear()

    def set_face(self, face: bytes) -> None:
        self.faces.append(face)


class StillAvatars:
    """Creates still avatars and keeps them. ``troupe.create`` is an ``AvatarFactory``."""

    def __init__(self) -> None:
        self.renderers: list[StillRenderer] = []

    def create(self, mode: str, face: bytes | None, output: AgentOutput) -> AvatarComponents:
        self.renderers.append(StillRenderer(face))
        return AvatarComponents(self.renderers[-1])


def picture(width: int = 80, height: int = 80, kind: str = "PNG", **options: object) -> bytes:
    """A picture file with something on it."""
    out = io.BytesIO()
    gradient = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    gradient.save(out, kind, **options)
    return out.getvalue()
