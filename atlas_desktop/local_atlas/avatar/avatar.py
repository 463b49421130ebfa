"""The avatar's body: it shows a face and says what it is given, both on the room's media clock."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from atlas_desktop.local_atlas.avatar.face_film import FaceFilm
from atlas_desktop.local_atlas.avatar.likeness import Likeness, Prepare
from atlas_desktop.local_atlas.avatar.mouth import WINDOW_SAMPLES, MouthReader
from atlas_desktop.local_atlas.avatar.pose import Sway
from atlas_desktop.local_atlas.avatar.speech_buffer import Samples, SpeechBuffer
from atlas_desktop.local_atlas.stage import SOUND_BLOCK_SAMPLES, Picture, Sound

log = logging.getLogger(__name__)

# The mouth is ahead of the sound by 10 ms, as mouths are: they shape a sound before it is heard.
_LEAD_SAMPLES = SOUND_BLOCK_SAMPLES // 2
_WARMTH = 0.42
_WARMTH_RATE = 0.05

# Faces are prepared one after the other, so that two avatars with the same face load it once.
_preparing = ThreadPoolExecutor(1, thread_name_prefix="face")


def prepare(face: bytes | None) -> Likeness:
    """Makes the likeness of a picture: a face of ours by its layers, any other as a portrait."""
    # Loaded here, in the thread that prepares: the first request need not wait for it.
    from atlas_desktop.local_atlas.avatar.portrait import portrait
    from atlas_desktop.local_atlas.avatar.sprites import shipped, shipped_name

    name = shipped_name(face)
    if name is not None:
        return shipped(name)
    assert face is not None
    return portrait(face)


def _film(face: bytes | None, how: Prepare) -> FaceFilm:
    return FaceFilm(how(face))


class Avatar:
    """Implements ``stage.Performer``.

    In passthrough it speaks what arrives, 20 to 60 ms later; in conversation it is given whole sentences
    and says them to their end. Threads: as ``stage.Performer`` says.
    """

    def __init__(
        self, face: bytes | None, mode: str, how: Prepare = prepare, seed: int | None = None
    ) -> None:
        self._how = how
        self._speech = SpeechBuffer(live=mode != "conversation")
        self._reader = MouthReader()
        self._sway = Sway(seed)
        self._heard: Samples = np.zeros(SOUND_BLOCK_SAMPLES, np.int16)
        self._warmth = 1.0
        self._film: FaceFilm | None = None
        self._next: Future[FaceFilm] | None = _preparing.submit(_film, face, how)

    @property
    def waiting_samples(self) -> int:
        """How much it was given and has not said yet."""
        return self._speech.waiting_samples

    def picture(self, index: int) -> Picture:
        """Draws frame ``index``: I420, (768, 512). The first call waits until the face is ready."""
        mouth = self._reader.read(self._window())
        # It smiles when it is quiet, the more the longer.
        target = 0.12 if mouth.loudness > 0 else _WARMTH
        self._warmth += (target - self._warmth) * _WARMTH_RATE * (3 if mouth.loudness > 0 else 1)
        return self._face().draw(self._sway.pose(index, mouth.loudness), mouth, self._warmth)

    def sound(self, index: int) -> Sound:
        """Returns the next 20 ms of what it says: int16, (960, 1)."""
        self._heard = self._speech.take()
        return self._heard.reshape(-1, 1)

    def push_speech(self, block: Sound) -> None:
        """Takes sound to be said next."""
        self._speech.push(block)

    def flush(self) -> None:
        """Falls silent at once, without a click."""
        self._speech.flush()

    def set_face(self, face: bytes) -> None:
        """Wears another face as soon as it is prepared; the one before stays on until then."""
        self._next = _preparing.submit(_film, face, self._how)

    def _window(self) -> Samples:
        ahead = self._speech.peek(WINDOW_SAMPLES - _LEAD_SAMPLES)
        return np.concatenate([self._heard[-_LEAD_SAMPLES:], ahead])

    def _face(self) -> FaceFilm:
        coming = self._next
        if coming is not None and (self._film is None or coming.done()):
            try:
                self._film = coming.result()
            except (OSError, ValueError, SyntaxError) as error:
                log.warning("a face can't be shown: %s", error)
            if self._next is coming:
                self._next = None
        if self._film is None:
            self._film = _film(None, prepare)
        return self._film
