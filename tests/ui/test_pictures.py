"""Pictures of faces: read by the one reader that their first bytes name."""

import subprocess
import sys
from pathlib import Path

import pytest

from atlas_desktop.api.source import Face
from atlas_desktop.assets import default_faces
from atlas_desktop.ui.look.pictures import picture_of_face, picture_of_file

_SHOW = """
import sys
from pathlib import Path
from PySide6.QtGui import QGuiApplication
from atlas_desktop.api.source import Face
from atlas_desktop.ui.look.pictures import picture_of_face
app = QGuiApplication(["test"])
assert picture_of_face(Face("face", Path(sys.argv[1]).read_bytes()), 400).width() == 400
print(Path("/proc/self/maps").read_text())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what is loaded")
def test_a_face_loads_no_reader_of_other_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Qt, left to find the format, loads them all: while the window waits for its first picture."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    words = [sys.executable, "-c", _SHOW, str(default_faces()[0])]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "QtGui" in loaded
    assert not [name for name in ("libqsvg", "libqpdf", "libqtiff", "libqwebp") if name in loaded]


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"\x89PNG\r\n\x1a\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7"]
)
def test_what_is_no_face_is_no_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "face.png").write_bytes(content)
    assert picture_of_face(Face("face.png", content), 400).isNull()
    assert picture_of_file(tmp_path / "face.png", 400).isNull()
    assert picture_of_file(tmp_path / "none.png", 400).isNull()
