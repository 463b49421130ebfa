import subprocess
import sys
import time

import pytest

from atlas_desktop.__main__ import main


def test_help_answers_without_qt_and_fast() -> None:
    script = (
        "import sys\n"
        "from atlas_desktop.__main__ import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in ('PySide6', 'livekit', 'numpy')]\n"
    )
    started_s = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--backend" in done.stdout
    # 0.2 s is what was promised and 0.07 s what was measured; machines are shared.
    assert time.monotonic() - started_s < 1.0


@pytest.mark.parametrize(
    "words",
    [
        ["--nonsense"],
        ["--local", "--backend", "https://x"],
        ["check", "--seconds", "0"],
        ["local", "--port", "x"],
    ],
)
def test_wrong_usage_is_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("atlas-desktop ")
