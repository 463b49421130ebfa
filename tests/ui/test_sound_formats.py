import numpy as np
import pytest
from PySide6.QtMultimedia import QAudioFormat

from atlas_desktop.audio.sample_formats import FromDevice, ToDevice, can_convert, our_format, with_channels
from tests.desk.player import tone

Kind = QAudioFormat.SampleFormat


def form_of(rate_hz: int, channels: int, kind: Kind) -> QAudioFormat:
    form = QAudioFormat()
    form.setSampleRate(rate_hz)
    form.setChannelCount(channels)
    form.setSampleFormat(kind)
    return form


def test_our_own_format_passes_as_it_is() -> None:
    block = tone(0.02)
    assert ToDevice(our_format(2)).convert(block) == block.tobytes()


@pytest.mark.parametrize("kind", [Kind.UInt8, Kind.Int16, Kind.Int32, Kind.Float])
@pytest.mark.parametrize("channels", [1, 2, 6, 8])
@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000, 96_000, 192_000])
def test_any_device_plays_and_hears_the_same_tone(kind: Kind, channels: int, rate_hz: int) -> None:
    form = form_of(rate_hz, channels, kind)
    assert can_convert(form)
    to_device, from_device = ToDevice(form), FromDevice(form)
    sound = tone(0.6)
    there = b"".join(to_device.convert(sound[at : at + 960]) for at in range(0, len(sound), 960))
    assert len(there) / form.bytesPerFrame() / rate_hz == pytest.approx(0.6, abs=0.02)
    # In odd pieces, as a device may hand them out.
    back = np.concatenate([from_device.convert(there[at : at + 1_001]) for at in range(0, len(there), 1_001)])
    assert back.shape[1] == 1
    assert len(back) / 48_000 == pytest.approx(0.6, abs=0.03)
    middle = back[4_800:24_000, 0].astype(np.float64)
    assert np.argmax(np.abs(np.fft.rfft(middle))) * 48_000 / len(middle) == pytest.approx(440, abs=3)
    # A device of many channels gets the first two; mixed to mono they are that share of it.
    share = min(1.0, 2 / channels)
    assert middle.max() == pytest.approx(tone(0.1).max() * share, rel=0.1, abs=300)


def test_mono_is_doubled_and_stereo_is_mixed() -> None:
    mono = np.array([[100], [-200]], np.int16)
    assert with_channels(mono, 2).tolist() == [[100, 100], [-200, -200]]
    assert with_channels(np.array([[100, 300]], np.int16), 1).tolist() == [[200]]
    assert with_channels(np.array([[1, 2, 3]], np.int16), 2).tolist() == [[1, 2]]


def test_broken_floats_are_silence_or_full_scale() -> None:
    form = form_of(48_000, 1, Kind.Float)
    data = np.array([np.nan, np.inf, -9.0, 0.5], np.float32).tobytes()
    assert FromDevice(form).convert(data).ravel().tolist() == [0, 32767, -32768, 16384]


def test_an_invalid_format_is_known_as_such() -> None:
    assert not can_convert(QAudioFormat())
