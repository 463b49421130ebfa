"""Which track of a file is spoken, how its channels become one, and what is never opened."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from numpy.typing import NDArray

from atlas_desktop.errors import UnreadableAudioError
from atlas_desktop.media.blocks import Samples
from atlas_desktop.media.clip_reader import ClipReader
from atlas_desktop.media.formats import readable, sound_endings
from atlas_desktop.media.sound_file import SoundFile
from tests.unit.media.clips import Sound, encode, noise, probed, read_all
from tests.unit.media.odd_files import (
    DEFAULT,
    NONE,
    unknown_m4a,
    unknown_mkv,
    unknown_wav,
    without_decoder,
    write_tracks,
)
from tests.unit.media.stand_ins import tone, write_wav

RATE_HZ = 48_000


def spoken(path: Path) -> Samples:
    with SoundFile(path) as file:
        return np.concatenate(list(file.samples()))


def level_db(sound: NDArray[Any]) -> float:
    return float(10 * np.log10(np.square(sound.astype(np.float64)).mean() + 1e-12))


SILENCE = np.zeros(2 * RATE_HZ, np.int16)


@pytest.mark.parametrize("default", [0, 1, 2])
def test_the_default_track_is_spoken_wherever_it_is(tmp_path: Path, default: int) -> None:
    tracks = [(SILENCE, NONE)] * 3
    tracks[default] = (tone(2.0), DEFAULT)
    assert level_db(spoken(write_tracks(tmp_path / "a.mkv", *tracks))) > -15


@pytest.mark.parametrize("beside", [Disposition.visual_impaired, Disposition.comment])
@pytest.mark.parametrize("default", [NONE, DEFAULT])
def test_a_commentary_is_not_what_is_meant(tmp_path: Path, beside: Disposition, default: Disposition) -> None:
    path = write_tracks(tmp_path / "a.mkv", (SILENCE, beside | default), (tone(2.0), NONE), (SILENCE, NONE))
    assert level_db(spoken(path)) > -15


def test_a_track_without_a_decoder_is_passed_over(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mkv", (SILENCE, DEFAULT), (tone(2.0), NONE))
    assert level_db(spoken(without_decoder(path, 0))) > -15


def test_a_track_of_which_nothing_can_be_decoded_is_passed_over(tmp_path: Path) -> None:
    tracks = [(noise(5 * RATE_HZ), DEFAULT), (tone(2.0), NONE)]
    path = write_tracks(tmp_path / "a.mkv", *tracks, codecs=("flac", "pcm_s16le"))
    # Without their mark frames of FLAC are none.
    path.write_bytes(path.read_bytes().replace(b"\xff\xf8", bytes(2)))
    assert level_db(spoken(path)) > -15


def encrypted(folder: Path) -> Path:
    """As from a shop: FFmpeg has its decoder, but not its key."""
    key = {
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    scheme = {"encryption_scheme": "cenc-aes-ctr"}
    return encode(folder / "shop.m4a", "aac", noise(8 * RATE_HZ), options={**scheme, **key})


def picture_only(folder: Path) -> Path:
    path = folder / "film.mp4"
    with av.open(str(path), "w") as file:
        picture = file.add_stream("mpeg4", rate=25)
        assert isinstance(picture, av.VideoStream)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        for _ in range(5):
            file.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        file.mux(picture.encode(None))
    return path


@pytest.mark.parametrize("make", [unknown_wav, unknown_m4a, unknown_mkv, picture_only, encrypted])
def test_a_file_without_a_track_that_can_be_decoded_is_named(tmp_path: Path, make: object) -> None:
    assert callable(make)
    path = make(tmp_path)
    with pytest.raises(UnreadableAudioError) as caught:
        probed(path)
    assert caught.value.params["name"] == path.name
    reader = ClipReader(path)
    assert len(read_all(reader)) == 0
    assert type(reader.error) is UnreadableAudioError


def channels(*sounds: Sound) -> Sound:
    return np.stack(sounds, axis=1)


NOISE = noise(2 * RATE_HZ)
QUIET = np.zeros_like(NOISE)


@pytest.mark.parametrize(
    ("sound", "loss_db"),
    [
        (channels(NOISE, -NOISE), 0.0),
        (channels(NOISE, (-NOISE * 0.9).astype(np.int16)), 0.0),
        (channels(NOISE, NOISE), 0.0),
        (channels(NOISE, QUIET), 6.0),
        (channels(QUIET, NOISE), 6.0),
        (channels(NOISE, noise(2 * RATE_HZ, seed=2)), 3.0),
        (channels(*[NOISE, -NOISE] * 8), 0.0),
        (channels(*[NOISE] * 24), 0.0),
        (channels(*[NOISE, -NOISE] * 32), 0.0),
    ],
    ids=["opposite", "nearly", "same", "left", "right", "wide", "16", "24 same", "64"],
)
def test_channels_never_cancel_each_other_out(tmp_path: Path, sound: Sound, loss_db: float) -> None:
    mixed = spoken(write_wav(tmp_path / "a.wav", sound))
    assert len(mixed) == len(sound)
    assert level_db(mixed) == pytest.approx(level_db(NOISE / np.float32(32_768)) - loss_db, abs=0.8)


def test_channels_that_turn_opposite_in_the_middle_stay_to_be_heard(tmp_path: Path) -> None:
    turned = np.concatenate((NOISE, -NOISE, NOISE))
    same = np.concatenate((NOISE, NOISE, NOISE))
    mixed = spoken(write_wav(tmp_path / "a.wav", channels(same, turned)))
    for part in np.split(mixed, 6):
        assert level_db(part) == pytest.approx(level_db(NOISE / np.float32(32_768)), abs=0.8)
    jumps = np.abs(np.diff(mixed))
    assert jumps.max() <= np.abs(np.diff(same / np.float32(32_768))).max() * 1.05


@pytest.mark.parametrize("channel", range(6))
def test_sound_in_any_one_channel_of_surround_is_heard(tmp_path: Path, channel: int) -> None:
    sound = np.zeros((len(NOISE), 6), np.int16)
    sound[:, channel] = NOISE
    path = tmp_path / "a.flac"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("flac", rate=RATE_HZ, layout="5.1")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), "s16", "5.1")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
        for part in av.AudioResampler(format=stream.format, frame_size=stream.frame_size).resample(frame):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    assert level_db(spoken(path)) > -45


@pytest.mark.parametrize("channels", [65, 255])
def test_more_channels_than_anybody_has_are_refused(tmp_path: Path, channels: int) -> None:
    path = write_wav(tmp_path / "a.wav", np.zeros((480, channels), np.int16))
    with pytest.raises(UnreadableAudioError):
        probed(path)


@pytest.mark.parametrize("rate_hz", [1, 999, 2_000_000])
def test_rates_that_no_sound_has_are_refused(tmp_path: Path, rate_hz: int) -> None:
    with pytest.raises(UnreadableAudioError):
        probed(write_wav(tmp_path / "a.wav", tone(0.1), rate_hz))


PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n",
    "list.m3u": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '{other}'\n",
    "list.wav": "ffconcat version 1.0\nfile '{other}'\n",
    "list.mp4": "ffconcat version 1.0\nfile {name}\n",
    "talk.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "talk.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    "<BaseURL>{other}</BaseURL></MPD>",
    "beats.sbg": "-SE\n10:00: 100+5/50\n",
}


@pytest.mark.parametrize("name", PLAYLISTS)
def test_what_points_elsewhere_reaches_nothing(tmp_path: Path, name: str) -> None:
    other = write_wav(tmp_path / "secret.wav", tone(0.5))
    path = tmp_path / name
    path.write_text(PLAYLISTS[name].format(other=other, name=other.name))
    with pytest.raises(UnreadableAudioError):
        probed(path)


def test_formats_that_reach_beyond_a_file_are_barred() -> None:
    allowed = set(readable().split(","))
    assert {"wav", "mp3", "ogg", "flac", "aac", "mp4", "matroska", "mpegts", "avi", "asf"} <= allowed
    barred = "hls concat dash sdp image2 image2pipe rtsp rtp sap lavfi alsa x11grab tty srt png_pipe svg_pipe"
    assert not allowed & set(barred.split())


def test_one_list_says_what_sound_is() -> None:
    endings = sound_endings()
    common = """
        wav wave mp3 m4a m4b aac ogg oga opus flac aif aiff aifc caf wma amr ac3 eac3 mp2 au snd weba mka wv
        ape spx gsm voc w64 rf64 mpc tta ra mp4 m4v mov mkv webm avi wmv flv mpg mpeg ts m2ts mts 3gp 3g2 ogv
        vob mxf asf
    """
    assert {f".{name}" for name in common.split()} <= endings
    others = "txt png jpg gif avif heic svg pdf srt ass vtt m3u m3u8 mpd nfo dat xml bin json py html sub idx"
    assert not endings & {f".{name}" for name in others.split()}
