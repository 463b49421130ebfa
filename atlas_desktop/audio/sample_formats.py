"""Conversion between our one format of sound and a device's: rate, channels and sample format."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtMultimedia import QAudioDevice, QAudioFormat

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block

if TYPE_CHECKING:
    import av

_Kind = QAudioFormat.SampleFormat
_DTYPES: dict[_Kind, type[Any]] = {
    _Kind.UInt8: np.uint8,
    _Kind.Int16: np.int16,
    _Kind.Int32: np.int32,
    _Kind.Float: np.float32,
}


def our_format(channels: int) -> QAudioFormat:
    """Return 48 kHz, int16: what we ask for first."""
    wanted = QAudioFormat()
    wanted.setSampleRate(SAMPLE_RATE_HZ)
    wanted.setChannelCount(channels)
    wanted.setSampleFormat(_Kind.Int16)
    return wanted


def negotiate(device: QAudioDevice, channels: int) -> QAudioFormat:
    """Return our own format when ``device`` supports it, else the one it prefers; we convert then."""
    wanted = our_format(channels)
    return wanted if device.isFormatSupported(wanted) else device.preferredFormat()


def can_convert(form: QAudioFormat) -> bool:
    """Return whether we can read and write ``form`` at all."""
    return form.isValid() and form.sampleFormat() in _DTYPES


class ToDevice:
    """Converts our blocks, (samples, channels), to a device's bytes. One thread.

    Keeps the resampler's state.
    """

    def __init__(self, form: QAudioFormat) -> None:
        self._channels = form.channelCount()
        self._kind = form.sampleFormat()
        self._resampler = _RateConverter(SAMPLE_RATE_HZ, form.sampleRate())

    def convert(self, block: Block) -> bytes:
        """Return the bytes of ``block``; a few samples more or less when the rates differ."""
        samples = self._resampler.convert(with_channels(block, self._channels))
        return from_int16(samples, self._kind).tobytes()


class FromDevice:
    """Converts a device's bytes to mono blocks of ours, (samples, 1). One thread."""

    def __init__(self, form: QAudioFormat) -> None:
        self._channels = form.channelCount()
        self._kind = form.sampleFormat()
        self._frame_bytes = form.bytesPerFrame()
        self._rest = b""
        self._resampler = _RateConverter(form.sampleRate(), SAMPLE_RATE_HZ)

    def convert(self, data: bytes) -> Block:
        """Return the whole samples of ``data`` and of what remained before."""
        data = self._rest + data
        whole = len(data) // self._frame_bytes * self._frame_bytes
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], _DTYPES[self._kind]).reshape(-1, self._channels)
        return self._resampler.convert(with_channels(to_int16(samples, self._kind), 1))


class _RateConverter:
    """Resamples int16 (samples, channels); does nothing when the rates are equal."""

    def __init__(self, source_hz: int, target_hz: int) -> None:
        self._source_hz = source_hz
        self._target_hz = target_hz
        self._resampler: av.AudioResampler | None = None

    def convert(self, block: Block) -> Block:
        if self._source_hz == self._target_hz or len(block) == 0:
            return block
        import av

        channels = block.shape[1]
        layout = "mono" if channels == 1 else f"{channels}c" if channels > 2 else "stereo"
        if self._resampler is None:
            self._resampler = av.AudioResampler("s16", layout, self._target_hz)
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), "s16", layout)
        frame.sample_rate = self._source_hz
        parts = [part.to_ndarray().reshape(-1, channels) for part in self._resampler.resample(frame)]
        return np.concatenate(parts) if parts else np.empty((0, channels), np.int16)


def with_channels(block: Block, channels: int) -> Block:
    """Return ``block`` with ``channels``: mixed to mono, doubled from mono, or the first ones and silence."""
    have = block.shape[1]
    if have == channels:
        return block
    if channels == 1:
        mixed: NDArray[np.float32] = block.mean(axis=1, dtype=np.float32, keepdims=True)
        return mixed.astype(np.int16)
    wide = np.zeros((len(block), channels), np.int16)
    wide[:, :2] = block[:, : min(2, have)]
    if have > 2:
        kept = min(have, channels)
        wide[:, :kept] = block[:, :kept]
    return wide


def from_int16(samples: Block, kind: _Kind) -> NDArray[Any]:
    """Return int16 samples as those of ``kind``, same shape."""
    match kind:
        case _Kind.UInt8:
            return ((samples >> 8) + 128).astype(np.uint8)
        case _Kind.Int32:
            return samples.astype(np.int32) << 16
        case _Kind.Float:
            return samples.astype(np.float32) / np.float32(32768)
        case _:
            return np.ascontiguousarray(samples)


def to_int16(samples: NDArray[Any], kind: _Kind) -> Block:
    """Return samples of ``kind`` as int16, same shape; too loud ones are clipped."""
    match kind:
        case _Kind.UInt8:
            centred: Block = samples.astype(np.int16) - np.int16(128)
            return np.left_shift(centred, 8)
        case _Kind.Int32:
            return (samples >> 16).astype(np.int16)
        case _Kind.Float:
            loud: NDArray[np.float32] = np.clip(np.nan_to_num(samples), -1.0, 1.0) * np.float32(32768)
            return np.minimum(loud, 32767).astype(np.int16)
        case _:
            found: Block = samples
            return found
