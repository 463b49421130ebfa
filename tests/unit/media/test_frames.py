import ctypes
import gc

import av
import numpy as np
import pytest

from atlas_desktop.media.frames import I420Frame, NativeMemory, i420_size


def memory(width: int, height: int) -> tuple["ctypes.Array[ctypes.c_uint8]", NativeMemory, list[str]]:
    size = i420_size(width, height)
    native = (ctypes.c_uint8 * size)(*(index % 251 for index in range(size)))
    released: list[str] = []
    return native, NativeMemory(ctypes.addressof(native), size, lambda: released.append("yes")), released


def test_planes_are_a_view_on_the_native_buffer() -> None:
    native, lent, _ = memory(8, 4)
    frame = I420Frame(np.asarray(lent), 8, 4)
    assert frame.planes().shape == (6, 8)
    native[0] = 99
    assert frame.planes()[0, 0] == 99
    assert not frame.planes().flags.writeable


def test_the_buffer_is_given_back_once_when_the_last_view_goes() -> None:
    native, lent, released = memory(8, 4)
    frame = I420Frame(np.asarray(lent), 8, 4)
    view = frame.y[1:]
    del lent, frame
    gc.collect()
    assert released == []
    assert view[0, 0] == native[8]
    del view
    assert released == ["yes"]


def test_a_picture_made_for_scaling_keeps_the_buffer_alive() -> None:
    _, lent, released = memory(16, 16)
    picture = av.VideoFrame.from_numpy_buffer(I420Frame(np.asarray(lent), 16, 16).planes(), "yuv420p")
    del lent
    gc.collect()
    assert released == []
    del picture
    gc.collect()
    assert released == ["yes"]


def test_odd_sizes_have_three_planes_but_not_one_array() -> None:
    native, lent, _ = memory(5, 3)
    frame = I420Frame(np.asarray(lent), 5, 3)
    assert frame.y.shape == (3, 5)
    assert frame.u.shape == frame.v.shape == (2, 3)
    assert frame.u[0, 0] == native[15]
    assert frame.v[1, 2] == native[26]
    with pytest.raises(ValueError, match="odd"):
        frame.planes()
