"""Where a file's sound ends: an MP4's last packet is longer, filled up with what nobody recorded."""

import av
from av.container import InputContainer

from atlas_desktop.media.mix import gives_array

# What an edit list may have rounded down: it counts in 1/600 s or finer.
_SLACK_S = 0.002


class SoundEnd:
    """Cuts the last frame of a file that says where it ends, where FFmpeg does not. One thread at a time.

    Ogg, WebM, MP3 and FLAC are cut by FFmpeg itself; bare AAC and Matroska's do not say it.
    """

    def __init__(self, container: InputContainer, stream: av.AudioStream) -> None:
        self._end_s: float | None = None
        if "mp4" in container.format.name.split(",") and stream.duration and stream.time_base:
            self._end_s = float(((stream.start_time or 0) + stream.duration) * stream.time_base)

    def cut(self, frame: av.AudioFrame, packet_s: float | None) -> av.AudioFrame:
        """Returns what of ``frame`` belongs to the sound.

        Args:
            frame: The next one.
            packet_s: How long its packet says to last: exact to the sample where it is shorter.
        """
        if self._end_s is None or frame.time is None or not frame.sample_rate:
            return frame
        left_s = self._end_s - frame.time
        lasts_s = frame.samples / frame.sample_rate
        if not 0.0 < left_s < lasts_s:
            return frame
        kept_s = packet_s if packet_s and packet_s < lasts_s else left_s + _SLACK_S
        kept = round(kept_s * frame.sample_rate)
        return _shortened(frame, kept) if kept < frame.samples and gives_array(frame) else frame


def _shortened(frame: av.AudioFrame, samples: int) -> av.AudioFrame:
    whole = frame.to_ndarray()
    width = 1 if frame.format.is_planar else frame.layout.nb_channels
    short = av.AudioFrame.from_ndarray(
        whole[:, : samples * width].copy(), frame.format.name, frame.layout.name
    )
    short.sample_rate, short.pts, short.time_base = frame.sample_rate, frame.pts, frame.time_base
    return short
