"""Listens to one track of a client and hands its sound on at once."""

from collections.abc import Callable
from typing import TypeGuard

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from atlas_desktop.local_atlas.stage import SAMPLE_RATE_HZ, Sound


def to_mono(frame: AudioFrame) -> Sound:
    """Returns a decoded frame (packed int16, mono or stereo) as mono: int16, (samples, 1)."""
    channels = len(frame.layout.channels)
    # Straight from the plane, whose padding is cut off: this runs 50 times a second for each track.
    plane = np.frombuffer(memoryview(frame.planes[0]), np.int16)
    samples: Sound = plane[: frame.samples * channels].reshape(-1, channels)
    mixed: Sound = samples.copy() if channels == 1 else (samples[:, :1] >> 1) + (samples[:, 1:2] >> 1)
    return mixed


def _is_ours(frame: object) -> TypeGuard[AudioFrame]:
    if not isinstance(frame, AudioFrame):
        return False
    return frame.sample_rate == SAMPLE_RATE_HZ and frame.format.name == "s16"


async def listen(track: MediaStreamTrack, heard: Callable[[Sound], None] | None) -> None:
    """Drains ``track`` until it ends; what ``heard`` doesn't want (``None``) is dropped.

    Every received track must be drained: its queue has no bound.
    """
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if heard is not None and _is_ours(frame):
            heard(to_mono(frame))
