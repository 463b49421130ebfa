"""The soak in short: the rehearsal keeps talking, and nothing of it is held on to."""

import os
import subprocess
import sys

import pytest

_SECONDS = 40


@pytest.mark.desk
@pytest.mark.timeout(150)
def test_a_talking_rehearsal_does_not_grow() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.soak", str(_SECONDS)],
        env={key: value for key, value in os.environ.items() if not key.startswith("ATLAS_")},
        capture_output=True,
        text=True,
        timeout=140,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
