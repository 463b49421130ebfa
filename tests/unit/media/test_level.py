import numpy as np
import pytest

from atlas_desktop.media.level import LevelMeter, rms_dbfs


@pytest.mark.parametrize(("value", "dbfs"), [(32767, 0.0), (3277, -20.0), (0, -100.0)])
def test_rms_of_a_constant(value: int, dbfs: float) -> None:
    assert rms_dbfs(np.full((480, 2), value, np.int16)) == pytest.approx(dbfs, abs=0.01)


def test_no_samples_are_silence() -> None:
    assert rms_dbfs(np.zeros((0, 1), np.int16)) == -100


def test_the_meter_rises_at_once_and_falls_slowly() -> None:
    meter = LevelMeter(fall_s=0.5)
    meter.update(np.full((480, 1), 3277, np.int16), 0.01)
    assert meter.dbfs == pytest.approx(-20, abs=0.1)
    own = meter.update(np.zeros((480, 1), np.int16), 0.1)
    assert own == -100
    assert meter.dbfs == pytest.approx(-24, abs=0.1)
    meter.reset()
    assert meter.dbfs == -100
