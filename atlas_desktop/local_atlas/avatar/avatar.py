"""The avatar: renders a face and the speech that is pushed to it, both on the room's media clock."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from atlas_desktop.local_atlas.avatar.face_model import FaceModel
from atlas_desktop.local_atlas.avatar.head_motion import HeadMotion
from atlas_desktop.local_atlas.avatar.portrait import load_portrait
from atlas_desktop.local_atlas.avatar.shipped_faces import load_shipped, shipped_name
from atlas_desktop.local_atlas.avatar.speech_buffer import Samples, SpeechBuffer
from atlas_desktop.local_atlas.avatar.visemes import WINDOW_SAMPLES, VisemeEstimator
from atlas_desktop.local_atlas.avatar.warp import FaceRenderer
from atlas_desktop.local_atlas.interfaces import AUDIO_BLOCK_SAMPLES, I420Frame, Pcm

log = logging.getLogger(__name__)

# The mouth leads the audio by 10 ms, as real ones do: they form a sound before it is heard.
_LEAD_SAMPLES = AUDIO_BLOCK_SAMPLES // 2
_SMILE_AT_REST, _SMILE_SPEAKING = 0.42, 0.12
_SMILE_RATE = 0.05

# One thread: of two avatars with the same face the second finds it loaded.
_preparing = ThreadPoolExecutor(1, thread_name_prefix="face")

FaceLoader = Callable[[bytes | None], FaceModel]
"""Loads a picture file, or without one the default face. Thread: any; it takes a while."""


def load_face(face: bytes | None) -> FaceModel:
    """Load a face: a shipped one from its layers, any other as a portrait."""
    name = shipped_name(face)
    if name is not None:
        return load_shipped(name)
    assert face is not None
    return load_portrait(face)


def _load_renderer(face: bytes | None, load: FaceLoader) -> FaceRenderer:
    return FaceRenderer(load(face))


class Avatar:
    """Implements ``AvatarRenderer``; threads as described there.

    In passthrough it speaks what arrives 20 to 60 ms later; in conversation it is given whole sentences and
    speaks them to their end.
    """

    def __init__(
        self, face: bytes | None, mode: str, load: FaceLoader = load_face, seed: int | None = None
    ) -> None:
        self._load = load
        self._speech = SpeechBuffer(live=mode != "conversation")
        self._visemes = VisemeEstimator()
        self._motion = HeadMotion(seed)
        self._last_block: Samples = np.zeros(AUDIO_BLOCK_SAMPLES, np.int16)
        self._smile = 1.0
        self._renderer: FaceRenderer | None = None
        self._next: Future[FaceRenderer] | None = _preparing.submit(_load_renderer, face, load)

    @property
    def queued_samples(self) -> int:
        """Pushed samples that were not rendered yet."""
        return self._speech.queued_samples

    def video_frame(self, index: int) -> I420Frame:
        """Render frame ``index``: I420, (768, 512). The first call waits until the face is loaded."""
        mouth = self._visemes.estimate(self._window())
        # The longer it is silent, the more it smiles; speech ends the smile three times as fast.
        target = _SMILE_SPEAKING if mouth.loudness > 0 else _SMILE_AT_REST
        self._smile += (target - self._smile) * _SMILE_RATE * (3 if mouth.loudness > 0 else 1)
        return self._face().render(self._motion.pose(index, mouth.loudness), mouth, self._smile)

    def audio_block(self, index: int) -> Pcm:
        """Return the next 20 ms of speech: int16, (960, 1)."""
        self._last_block = self._speech.take()
        return self._last_block.reshape(-1, 1)

    def push_audio(self, block: Pcm) -> None:
        """Queue speech."""
        self._speech.push(block)

    def flush(self) -> None:
        """Drop all queued speech, fading out."""
        self._speech.flush()

    def set_face(self, face: bytes) -> None:
        """Show another face as soon as it is loaded; the previous one stays until then."""
        self._next = _preparing.submit(_load_renderer, face, self._load)

    def _window(self) -> Samples:
        ahead = self._speech.peek(WINDOW_SAMPLES - _LEAD_SAMPLES)
        return np.concatenate([self._last_block[-_LEAD_SAMPLES:], ahead])

    def _face(self) -> FaceRenderer:
        loading = self._next
        if loading is not None and (self._renderer is None or loading.done()):
            try:
                self._renderer = loading.result()
            except (OSError, ValueError, SyntaxError) as error:
                log.warning("a face can't be shown: %s", error)
            if self._next is loading:
                self._next = None
        if self._renderer is None:
            self._renderer = _load_renderer(None, load_face)
        return self._renderer
