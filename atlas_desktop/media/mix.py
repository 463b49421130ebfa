"""How the channels of a file become one: added, unless that leaves nothing."""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from atlas_desktop.media.mending import HIGHEST

# So long a stretch with sound in it is looked at before it is mixed; its frames wait that long.
_LOOK_S = 0.1
_AUDIBLE = 1e-8
"""Mean square of a channel, full scale 1.0 (−80 dBFS): below that there is nothing to lose."""
# Two that are like each other add up to 2 of these, two that have nothing in common to 1, opposites to 0.
_CANCELLED = 0.1
_RESTORED = 0.4
# Beside the loudest channel the mix is gone: all of it is in a channel that is left out, as the deep one is.
_LOST = 1e-4
_DEEP = frozenset({"LFE", "LFE2"})
# What PyAV gives as an array; of planes beyond the eighth it knows no address, and kills the process.
_ARRAY_FORMATS = frozenset({"u8", "s16", "s32", "flt", "dbl", "u8p", "s16p", "s32p", "fltp", "dblp"})
_MOST_PLANES = 8


def gives_array(frame: av.AudioFrame) -> bool:
    """Whether a frame may be asked for its samples as an array."""
    fits = not frame.format.is_planar or frame.layout.nb_channels <= _MOST_PLANES
    return fits and frame.format.name in _ARRAY_FORMATS


class MixChoice:
    """Decides, from what is heard, whether channels are added or one of them is heard alone. One thread.

    Attributes:
        channel: The one that is heard alone; ``None`` while all are added.
    """

    def __init__(self) -> None:
        self.channel: int | None = None
        self._held: list[av.AudioFrame] = []
        self._held_s = 0.0
        self._layout = ""
        self._is_settled = False
        self._powers: NDArray[np.float64] = np.zeros(0)
        self._heard = self._mixed = 0.0  # the power of what is added, before and after

    def add(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        """Take a frame; give those for which it is decided."""
        if frame.layout.name != self._layout:
            yield from self.flush()
            self.channel, self._layout, self._is_settled = None, frame.layout.name, False
        if frame.layout.nb_channels == 1 or not gives_array(frame):
            yield frame
            return
        if not self._is_settled or not self._held:
            # Once it is decided, one frame of each stretch will do: measuring costs more than mixing.
            self._measure(frame)
        self._held.append(frame)
        self._held_s += frame.samples / frame.sample_rate
        if self._held_s >= _LOOK_S:
            yield from self.flush()

    def flush(self) -> Iterator[av.AudioFrame]:
        """Decide with what there is, and give the frames that waited."""
        held, self._held, self._held_s = self._held, [], 0.0
        if held:
            self._decide()
        yield from held

    def _measure(self, frame: av.AudioFrame) -> None:
        sound = _as_floats(frame)
        weights = np.array([channel.name not in _DEEP for channel in frame.layout.channels], np.float64)
        if not weights.any():
            weights[:] = 1.0
        powers = np.square(sound).mean(axis=1)
        if len(self._powers) != len(powers):
            self._powers, self._heard, self._mixed = np.zeros(len(powers)), 0.0, 0.0
        self._powers += powers
        self._heard += float(weights @ powers)
        self._mixed += float(np.square(weights @ sound).mean())

    def _decide(self) -> None:
        powers, heard, mixed = self._powers, self._heard, self._mixed
        self._powers, self._heard, self._mixed = np.zeros(len(powers)), 0.0, 0.0
        if not len(powers) or not np.isfinite(powers).all() or powers.max() < _AUDIBLE:
            return
        self._is_settled = True
        is_lost = mixed < _LOST * powers.max()
        if self.channel is None and (is_lost or mixed < _CANCELLED * heard):
            self.channel = int(powers.argmax())
        elif self.channel is not None and not is_lost and mixed > _RESTORED * heard:
            self.channel = None


def _as_floats(frame: av.AudioFrame) -> NDArray[np.float32]:
    """(channels, samples), full scale 1.0."""
    whole: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        whole = whole.reshape(-1, frame.layout.nb_channels).T
    floats: NDArray[np.float32] = whole.astype(np.float32)
    if whole.dtype.kind == "f":
        return np.nan_to_num(floats, posinf=0.0, neginf=0.0).clip(-HIGHEST, HIGHEST)
    half = np.float32(128 if whole.dtype == np.uint8 else np.iinfo(whole.dtype).max)
    return (floats - half if whole.dtype == np.uint8 else floats) / half
