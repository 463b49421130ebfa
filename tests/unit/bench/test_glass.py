"""The reader of the screen follows a picture that a notice has moved."""

import io
import json
import time

import av
import numpy as np

from tests.bench.versus import bar_code
from tests.bench.versus.glass import Reader
from tests.unit.bench.test_bar_code import on_screen

SIDE = 640


def shown(number: int, at: tuple[int, int]) -> np.ndarray:
    drawn = np.full((SIDE * 3 // 2, SIDE), 128, np.uint8)
    bar_code.draw(drawn, number)
    return on_screen(av.VideoFrame.from_ndarray(drawn, "yuv420p"), SIDE, SIDE, at)


def test_a_picture_that_moves_is_found_again_at_once() -> None:
    screen, log = shown(7, (30, 20)), io.StringIO()
    reader = Reader(screen, log)
    reader.look()
    screen[:] = shown(8, (30, 100))
    began_s = time.monotonic()
    # It was lost for 3 s, which looked like a picture that stood still.
    while '"low": 8' not in log.getvalue() and time.monotonic() - began_s < 0.6:
        reader.look()
        time.sleep(0.002)
    entries = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [entry["low"] for entry in entries if "low" in entry] == [7, 8]
    assert len([entry for entry in entries if "place" in entry]) == 2


def test_a_number_half_painted_is_waited_for() -> None:
    screen, log = shown(7, (30, 20)), io.StringIO()
    reader = Reader(screen, log)
    reader.look()
    screen[:, 300:400] = 0
    reader.look()
    screen[:] = shown(8, (30, 20))
    reader.look()
    assert log.getvalue().count("place") == 1
