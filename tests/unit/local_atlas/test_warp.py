"""Warping a face, against a reference that looks up every pixel."""

import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_desktop.local_atlas.avatar.face_model import FINE_PX, FaceLandmarks, FaceModel, Planes
from atlas_desktop.local_atlas.avatar.head_motion import HeadPose
from atlas_desktop.local_atlas.avatar.warp import Warp

LANDMARKS = FaceLandmarks(head=(256, 208, 150, 172), mouth=(256, 323), chin_y=378, brows_y=198)
LIVELY = HeadPose(4.0, -3.0, 0.02, 5.0, 3.0, 2.0, 1.5)
HALF = FINE_PX // 2

Plane = NDArray[np.uint8]


def planes(luma: Plane, blue: Plane, red: Plane) -> Planes:
    return Planes(np.ascontiguousarray(luma), np.ascontiguousarray(blue), np.ascontiguousarray(red))


def warp_of(face_planes: Planes, **options: float) -> Warp:
    return Warp(FaceModel(face_planes, LANDMARKS, jaw_px=6.0, mobility=options.get("mobility", 1.0)))


def drawn(warp: Warp, source: Planes, pose: HeadPose, opening: float = 0.0) -> Plane:
    out = np.empty((768, 512), np.uint8)
    warp.render(source, pose, opening, out)
    return out


def places(warp: Warp, pose: HeadPose, opening: float) -> tuple[NDArray[np.intp], ...]:
    """From which row and column of the luma plane, and of the colour planes, each pixel was fetched."""
    found = []
    rows, columns = np.mgrid[0:FINE_PX, 0:FINE_PX]
    half_rows, half_columns = np.mgrid[0:HALF, 0:HALF]
    for luma, blue, red in ((rows, half_rows, half_columns), (columns, half_rows, half_columns)):
        low = drawn(warp, planes(*((p % 256).astype(np.uint8) for p in (luma, blue, red))), pose, opening)
        high = drawn(warp, planes(*((p // 256).astype(np.uint8) for p in (luma, blue, red))), pose, opening)
        found.append(low.astype(np.intp) + 256 * high.astype(np.intp))
    row, column = found
    colour = row[512:].reshape(2, 256, 256)
    return row[:512], column[:512], colour[0], colour[1]


@pytest.fixture(scope="module")
def noise() -> Planes:
    rng = np.random.default_rng(1)
    luma, blue, red = (rng.integers(0, 256, (n, n), np.uint8) for n in (FINE_PX, HALF, HALF))
    return planes(luma, blue, red)


def test_at_rest_every_pixel_is_its_own_middle(noise: Planes) -> None:
    out = drawn(warp_of(noise), noise, HeadPose())
    assert (out[:512] == noise.luma[2::4, 2::4]).all()
    blue, red = out[512:].reshape(2, 256, 256)
    assert (blue == noise.blue[2::4, 2::4]).all()
    assert (red == noise.red[2::4, 2::4]).all()


def test_a_picture_is_fetched_pixel_by_pixel_from_where_the_pose_says(noise: Planes) -> None:
    """The reference: one look-up a pixel, at places read from planes that hold their own coordinates."""
    warp = warp_of(noise)
    row, column, colour_row, colour_column = places(warp, LIVELY, 0.7)
    out = drawn(warp, noise, LIVELY, 0.7)
    assert (out[:512] == noise.luma[row, column]).all()
    blue, red = out[512:].reshape(2, 256, 256)
    assert (blue == noise.blue[colour_row, colour_column]).all()
    assert (red == noise.red[colour_row, colour_column]).all()


def test_places_are_moved_smoothly_and_colour_goes_along(noise: Planes) -> None:
    row, column, colour_row, colour_column = places(warp_of(noise), LIVELY, 1.0)
    pixel_rows, pixel_columns = np.mgrid[0:512, 0:512] * 4 + 2
    for moved in (row - pixel_rows, column - pixel_columns):
        # No seam and no fold: quads are eight steps apart, and stay in their order.
        quads = moved[::2, ::2]
        assert np.abs(np.diff(quads, axis=0)).max() <= 6
        assert np.abs(np.diff(quads, axis=1)).max() <= 6
        assert (moved == np.repeat(np.repeat(quads, 2, axis=0), 2, axis=1)).all()
        assert np.abs(moved).max() < 4 * 24
    assert np.abs((row[::2, ::2] - 2) // 2 + 2 - colour_row).max() <= 1
    assert np.abs((column[::2, ::2] - 2) // 2 + 2 - colour_column).max() <= 1


def test_the_head_is_moved_as_far_as_the_pose_says_and_the_border_stays(noise: Planes) -> None:
    row, column, *_ = places(warp_of(noise), HeadPose(shift_px=4, lift_px=-2), 0.0)
    assert column[208, 256] == 256 * 4 + 2 - 16
    assert row[208, 256] == 208 * 4 + 2 + 8
    assert (column[:, 0] == 2).all()
    assert (column[:, 511] == 511 * 4 + 2).all()
    assert (row[0] == 2).all()
    assert (row[511] == 511 * 4 + 2).all()


def test_the_jaw_falls_and_the_eyes_stay(noise: Planes) -> None:
    row, *_ = places(warp_of(noise), HeadPose(), 1.0)
    assert row[370, 256] == 370 * 4 + 2 - 24
    assert row[230, 256] == 230 * 4 + 2


def test_a_picture_that_is_not_lively_moves_less(noise: Planes) -> None:
    calm = places(warp_of(noise, mobility=0.5), HeadPose(shift_px=4), 0.0)[1]
    assert calm[208, 256] == 256 * 4 + 2 - 8
