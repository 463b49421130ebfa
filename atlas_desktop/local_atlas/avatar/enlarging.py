"""Makes fine planes of pictures. Apart from ``planes``, since it takes long to load what this needs."""

import av
import numpy as np
from av.video.reformatter import Interpolation
from PIL import Image, ImageFilter

from atlas_desktop.local_atlas.avatar.planes import Patch, Planes

_LUMA = (16, 235)


def planes_of(picture: Image.Image, scale: int) -> Planes:
    """Converts an RGB picture of even size, ``scale`` times enlarged.

    Edges are softened to the width that they need to be sampled at every ``SUPERSAMPLE``-th place.
    """
    width, height = picture.width * scale, picture.height * scale
    frame = av.VideoFrame.from_ndarray(np.asarray(picture.convert("RGB")), format="rgb24")
    packed = frame.reformat(width, height, "yuv420p", interpolation=Interpolation.BICUBIC).to_ndarray()
    colour = packed[height:].reshape(2, height // 2, width // 2)
    luma = np.array(Image.fromarray(packed[:height]).filter(ImageFilter.BoxBlur(1)))
    # Enlarging overshoots at edges.
    np.clip(luma, *_LUMA, out=luma)
    return Planes(luma, colour[0].copy(), colour[1].copy())


def patch_of(ground: Image.Image, left: int, top: int, margin: int, scale: int) -> Patch:
    """A patch, ``scale`` times enlarged, of a picture that reaches ``margin`` beyond it on every side.

    ``left`` and ``top`` are the patch's place; all are even. Enlarging looks beyond the edge, hence a margin.
    """
    whole = planes_of(ground, scale)
    edge = margin * scale
    cut, half = slice(edge, -edge), slice(edge // 2, -edge // 2)
    planes = Planes(whole.luma[cut, cut].copy(), whole.blue[half, half].copy(), whole.red[half, half].copy())
    return Patch(left * scale, top * scale, planes)
