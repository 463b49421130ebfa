"""From a decoded picture to one that can be painted: one conversion, straight to the screen's pixels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from atlas_desktop.media.frames import ColourMatrix, I420Frame

if TYPE_CHECKING:
    import av
    from av.video.plane import VideoPlane
    from typing_extensions import Buffer

QUARTER_TURN_DEG = 90
SMALLEST_PX = 8
"""FFmpeg's scaler refuses some smaller pictures; nobody sees a face in one."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture goes in a space, aspect kept and centred. Pixels."""

    x: int
    y: int
    width: int
    height: int


def fit(picture_width: int, picture_height: int, space_width: int, space_height: int) -> Placement:
    """The largest placement of a picture in a space; empty when either has no area."""
    if min(picture_width, picture_height, space_width, space_height) <= 0:
        return Placement(0, 0, 0, 0)
    scale = min(space_width / picture_width, space_height / picture_height)
    width = min(space_width, max(1, round(picture_width * scale)))
    height = min(space_height, max(1, round(picture_height * scale)))
    return Placement((space_width - width) // 2, (space_height - height) // 2, width, height)


_SHARES = {ColourMatrix.BT601: (0.299, 0.114), ColourMatrix.BT709: (0.2126, 0.0722)}
"""Of red and blue in the luma. Source: ITU-R BT.601 and BT.709."""


def colour_matrix(kind: ColourMatrix) -> NDArray[np.float32]:
    """From Y, U, V and 1, each of 0 to 1 in limited range, to red, green, blue and 1: (4, 4)."""
    red_share, blue_share = _SHARES[kind]
    green_share = 1 - red_share - blue_share
    luma, chroma = 255 / 219, 255 / 224
    to_red, to_blue = 2 * (1 - red_share) * chroma, 2 * (1 - blue_share) * chroma
    rows = np.array(
        [
            [luma, 0, to_red],
            [luma, -to_blue * blue_share / green_share, -to_red * red_share / green_share],
            [luma, to_blue, 0],
        ]
    )
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = rows
    matrix[:3, 3] = rows @ (-16 / 255, -128 / 255, -128 / 255)
    return matrix


def upright_size(frame: I420Frame) -> tuple[int, int]:
    """Width and height of ``frame`` once it is turned upright."""
    is_on_side = frame.rotation_deg % 180 == QUARTER_TURN_DEG
    return (frame.height, frame.width) if is_on_side else (frame.width, frame.height)


class PictureScaler:
    """Converts I420 frames to BGRA of a wanted size. One thread.

    The colours are read in limited range, what WebRTC's encoders send. Making one loads PyAV,
    0.1 s and more when nothing else has: not before the first paint of a window.
    """

    def __init__(self) -> None:
        from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

        self._reformatter = VideoReformatter()
        self._colours = {ColourMatrix.BT601: Colorspace.ITU601, ColourMatrix.BT709: Colorspace.ITU709}
        self._range = ColorRange.MPEG
        self._interpolation = Interpolation.FAST_BILINEAR

    def scale(self, frame: I420Frame, width: int, height: int) -> NDArray[np.uint8]:
        """``frame`` upright, as BGRA, uint8 (height, row bytes // 4, 4), of which ``width`` columns count.

        Rows may be longer than ``width``: the scaler's own padding, not copied away.

        Raises:
            ValueError: ``width`` or ``height`` is not positive, or the frame is smaller than 8 pixels.
        """
        if min(width, height) <= 0 or min(frame.width, frame.height) < SMALLEST_PX:
            raise ValueError(f"no picture of {width}×{height} pixels can be made of {frame!r}")
        turns = frame.rotation_deg % 360 // QUARTER_TURN_DEG
        if turns % 2:
            width, height = height, width
        converted = self._reformatter.reformat(
            _as_av(frame),
            width,
            height,
            "bgra",
            src_colorspace=self._colours[frame.matrix],
            src_color_range=self._range,
            interpolation=self._interpolation,
            threads=1,
        )
        plane = converted.planes[0]
        pixels = _bytes_of(plane).reshape(height, plane.line_size // 4, 4)
        # WebRTC counts the turn that is still to be made clockwise, NumPy counter-clockwise.
        return np.ascontiguousarray(np.rot90(pixels[:, :width], -turns)) if turns else pixels


def _as_av(frame: I420Frame) -> "av.VideoFrame":
    """The frame for PyAV: without a copy when both sides are even."""
    import av

    if frame.is_even:
        return av.VideoFrame.from_numpy_buffer(frame.planes(), "yuv420p")
    copied = av.VideoFrame(frame.width, frame.height, "yuv420p")
    for plane, source in zip(copied.planes, (frame.y, frame.u, frame.v), strict=True):
        rows = _bytes_of(plane).reshape(plane.height, plane.line_size)
        rows[:, : source.shape[1]] = source
    return copied


def _bytes_of(plane: "VideoPlane") -> NDArray[np.uint8]:
    """The plane's memory itself, flat; it lives as long as the array."""
    return np.frombuffer(memoryview(cast("Buffer", plane)), np.uint8)
