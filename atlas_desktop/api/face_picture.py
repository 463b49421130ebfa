"""Rendering a decoded picture as a browser would show it: upright, eight bits, sRGB, on white.

Other programs differ in all of this: where a profile is ignored colours are pale, where sixteen bits are
truncated a grey picture is white, and what is transparent is black for one and white for another.
"""

import functools
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from atlas_desktop.api.source import FACE_EDGE_PX

_GROUND = (255, 255, 255)
_GRID = 9
# A profile that shifts no colour by more than this is sRGB, whatever its name.
_SAME_LEVELS = 2
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_PNG_DEPTH_AT = 24
_ORIENTATION_TAG, _UPRIGHT = 0x0112, 1
_STRIP_PIXELS = 1 << 20
_SRGB_GAMMA = 1 / 2.2
_GAMMA_SLACK = 0.01
# Floats of an HDR picture with lights brighter than white; as bytes so low a white would show nothing.
_BRIGHTEST_FRACTION = 16.0


def is_plain(picture: Image.Image, content: bytes) -> bool:
    """Return whether every program shows it alike, so that it may be sent unchanged: 8 bits, opaque, sRGB.

    Args:
        picture: Opened; orientation and animation are the caller's concern.
        content: The file.
    """
    if picture.mode not in ("RGB", "L") or picture.has_transparency_data:
        return False
    if picture.format == "PNG" and content[_PNG_DEPTH_AT : _PNG_DEPTH_AT + 1] != b"\x08":
        return False
    return _gamma(picture) is None and _transform(picture) is None


def as_seen(picture: Image.Image) -> Image.Image:
    """Return the first frame of ``picture`` in RGB, 8 bits, at most ``FACE_EDGE_PX`` wide and high.

    Raises:
        OSError, ValueError, …: It is broken, as reported by Pillow's readers.
    """
    transform, gamma = _transform(picture), _gamma(picture)
    small = _shrunk(picture)
    if picture.format != "WEBP":
        # Neither browsers nor Qt rotate a WebP: the user has seen it as it is stored.
        small.getexif()[_ORIENTATION_TAG] = picture.getexif().get(_ORIENTATION_TAG, _UPRIGHT)
        ImageOps.exif_transpose(small, in_place=True)
    solid, cover = _apart(small)
    if transform is not None:
        solid = ImageCms.applyTransform(solid, transform) or solid
    elif gamma is not None:
        solid = solid.convert("RGB").point(_gamma_table(gamma) * 3)
    seen = solid.convert("RGB")
    seen.info = {}  # else profile and gamma would be written into the new file, and applied again
    if cover is None:
        return seen
    ground = Image.new("RGB", seen.size, _GROUND)
    ground.paste(seen, mask=cover)
    return ground


def _shrunk(picture: Image.Image) -> Image.Image:
    """Return ``picture`` in a mode of eight bits a channel, at most ``FACE_EDGE_PX`` wide and high.

    In strips: whole, a picture of 24 megapixels would be in memory several times.
    """
    whole = _full_scale(picture)
    share = min(1.0, FACE_EDGE_PX / max(picture.size))
    width, height = (max(1, round(edge * share)) for edge in picture.size)
    rows = max(1, _STRIP_PIXELS // picture.width)
    narrow: Image.Image | None = None
    for top in range(0, picture.height, rows):
        bottom = min(top + rows, picture.height)
        strip = _weighed(_eight_bits(picture.crop((0, top, picture.width, bottom)), whole))
        if narrow is None:
            narrow = Image.new(strip.mode, (width, picture.height))
        narrow.paste(strip.resize((width, bottom - top)), (0, top))
    assert narrow is not None
    return _unweighed(narrow.resize((width, height)))


def _weighed(picture: Image.Image) -> Image.Image:
    """Clear the colour of transparent pixels, which must not bleed into their neighbours when scaled."""
    mode = {"RGBA": "RGBa", "LA": "La"}.get(picture.mode)
    return picture.convert(mode) if mode else picture


def _unweighed(picture: Image.Image) -> Image.Image:
    mode = {"RGBa": "RGBA", "La": "LA"}.get(picture.mode)
    return picture.convert(mode) if mode else picture


def _eight_bits(picture: Image.Image, whole: float) -> Image.Image:
    """Return ``picture`` in a mode of eight bits a channel.

    Palettes are resolved, also with one transparent entry.
    """
    if picture.mode in _SIXTEEN_BITS:
        levels = np.asarray(picture).astype(np.uint32)
        return _with_clear(
            Image.fromarray(((levels * 255 + 32_767) // 65_535).astype(np.uint8)), picture, levels
        )
    if picture.mode in ("I", "F"):
        levels_of_full = _finite(picture) * (255.0 / whole)
        return Image.fromarray(np.clip(np.rint(levels_of_full), 0, 255).astype(np.uint8))
    if picture.mode in ("P", "PA", "1") or "transparency" in picture.info:
        return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    return picture.convert("RGBA") if picture.mode in ("La", "RGBa") else picture


def _with_clear(grey: Image.Image, picture: Image.Image, levels: NDArray[Any]) -> Image.Image:
    """Convert sixteen bits of grey, one value of which a PNG may declare transparent."""
    clear = picture.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    cover = np.where(levels == clear, 0, 255).astype(np.uint8)
    return Image.merge("LA", (grey, Image.fromarray(cover)))


def _full_scale(picture: Image.Image) -> float:
    """Return the value of white where a format has no fixed range, by the largest value."""
    if picture.mode not in ("I", "F"):
        return 255.0
    rows = max(1, _STRIP_PIXELS // picture.width)
    strips = (picture.crop((0, top, picture.width, top + rows)) for top in range(0, picture.height, rows))
    top = max(float(_finite(strip).max(initial=0.0)) for strip in strips)
    if picture.mode == "F" and top <= _BRIGHTEST_FRACTION:
        return 1.0
    return next((full for full in (255.0, 65_535.0) if top <= full), top)


def _finite(picture: Image.Image) -> NDArray[np.float32]:
    numbers: NDArray[np.float32] = np.asarray(picture).astype(np.float32)
    return np.nan_to_num(numbers, nan=0.0, posinf=0.0, neginf=0.0)


def _apart(picture: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Split into colours and alpha."""
    if picture.mode in ("RGBA", "LA"):
        return picture.convert(picture.mode[:-1]), picture.getchannel("A")
    return picture, None


def _gamma(picture: Image.Image) -> float | None:
    """Return a PNG's own gamma, where no profile is given and it differs from sRGB's."""
    gamma = picture.info.get("gamma")
    if (
        not isinstance(gamma, float)
        or gamma <= 0.0
        or "srgb" in picture.info
        or "icc_profile" in picture.info
    ):
        return None
    return None if abs(gamma - _SRGB_GAMMA) < _GAMMA_SLACK else gamma


def _gamma_table(gamma: float) -> list[int]:
    """Return the table from each level with ``gamma`` to sRGB."""
    light = np.linspace(0.0, 1.0, 256) ** (1.0 / gamma)
    curved = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return [int(level) for level in np.rint(curved * 255)]


def _transform(picture: Image.Image) -> ImageCms.ImageCmsTransform | None:
    """Return the transform to sRGB; ``None`` where it is sRGB already, or the profile is unusable."""
    mode = _colour_mode(picture)
    try:
        if picture.mode == "LAB":
            return _build(ImageCms.createProfile("LAB"), "LAB")
        profile = picture.info.get("icc_profile")
        if not profile:
            return None
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if mode == "L" and opened.profile.connection_space.strip() == "Lab":
            return None  # browsers ignore these
        transform = _build(opened, mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if _changes_nothing(transform, mode) else transform


def _build(profile: Any, mode: str) -> ImageCms.ImageCmsTransform:
    # As browsers do, measured against Chromium: without black point compensation.
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    # The fast transform of a grey curve is 10 levels off near black, and may lose its last step.
    flags = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
    return ImageCms.buildTransform(profile, _srgb(), mode, "RGB", intent, flags)


@functools.cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _colour_mode(picture: Image.Image) -> str:
    """Return the mode of the transformed picture."""
    if picture.mode in (*_SIXTEEN_BITS, "I", "F", "LA", "La", "L"):
        return "L"
    return picture.mode if picture.mode in ("CMYK", "LAB", "YCbCr") else "RGB"


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    if mode not in ("RGB", "L"):
        return False
    steps = np.linspace(0, 255, _GRID if mode == "RGB" else 256).astype(np.uint8)
    if mode == "RGB":
        colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        before = Image.fromarray(colours)
    else:
        before = Image.fromarray(steps.reshape(1, -1))
    after = ImageCms.applyTransform(before, transform)
    if after is None:
        return True
    moved = np.abs(np.asarray(after).astype(int) - np.asarray(before.convert("RGB")))
    return int(moved.max()) <= _SAME_LEVELS
