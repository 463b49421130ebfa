"""The face of the next session: what becomes it, what is refused, what is remembered."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage

from atlas_desktop.aio import TaskScope
from atlas_desktop.api import face_file
from atlas_desktop.api.source import Face
from atlas_desktop.assets import default_faces
from atlas_desktop.errors import AppError, FaceNotImageError
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.ui.controllers.face_controller import FaceController
from atlas_desktop.ui.look.pictures import PastedPicture

ADDRESS = "https://example.com/faces/mona.png?size=2"


def picture(width: int = 96, height: int = 96, colour: str = "red") -> bytes:
    """A PNG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


class FaceBench:
    """A face controller on a profile of its own, and what it has said."""

    def __init__(self, folder: Path) -> None:
        self.faces: list[Face] = []
        self.errors: list[AppError] = []
        self.scope = TaskScope("faces")
        self.settings = SettingsStore(folder / "settings.json", write_after_s=0.01)
        self.controller = FaceController(
            self.settings, folder, self.scope, self.faces.append, self.errors.append
        )

    async def choose(self, *wanted: Path | PastedPicture | str) -> Face | None:
        """Chooses one after another without waiting; the face in the end."""
        for one in wanted:
            self.controller.choose(one)
        await self.scope.join(5.0)
        return self.controller.face

    async def load(self) -> Face | None:
        self.controller.load()
        await self.scope.join(5.0)
        return self.controller.face


Make = Callable[[], FaceBench]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[FaceBench] = []

    def make() -> FaceBench:
        """Called again, it is the next run on the same profile."""
        if made:
            made[-1].settings.close()
        made.append(FaceBench(tmp_path))
        return made[-1]

    yield make
    for bench in made:
        await bench.scope.aclose(1.0)
        bench.settings.close()


@pytest.fixture
def bench(make: Make) -> FaceBench:
    return make()


async def test_the_first_shipped_face_is_there_at_once(bench: FaceBench) -> None:
    assert bench.controller.face is not None
    assert bench.controller.face.content == default_faces()[0].read_bytes()
    await bench.load()
    assert bench.faces == []
    assert bench.errors == []


async def test_a_shipped_face_is_remembered_by_its_name(make: Make) -> None:
    other = default_faces()[-1]
    bench = make()
    await bench.choose(other)
    assert bench.settings.settings.face == other.stem
    next_run = make()
    assert next_run.controller.face is not None
    assert next_run.controller.face.content == other.read_bytes()


async def test_a_file_becomes_the_face_and_is_there_the_next_time(make: Make, tmp_path: Path) -> None:
    file = tmp_path / "Grandma at 80.png"
    file.write_bytes(picture())
    face = await make().choose(file)
    assert face is not None
    assert (face.name, face.content) == ("Grandma at 80.png", picture())
    again = await make().load()
    assert again == face


async def test_a_remembered_file_that_is_gone_leaves_the_shipped_face(make: Make, tmp_path: Path) -> None:
    file = tmp_path / "me.png"
    file.write_bytes(picture())
    await make().choose(file)
    file.unlink()
    bench = make()
    face = await bench.load()
    assert [error.code for error in bench.errors] == ["missing_file"]
    assert face is not None
    assert face.content == default_faces()[0].read_bytes()
    assert bench.settings.settings.face == str(file)


async def test_a_pasted_picture_survives_the_clipboard(make: Make) -> None:
    face = await make().choose(picture(colour="blue"))
    assert face is not None
    assert face.content == picture(colour="blue")
    again = await make().load()
    assert again is not None
    assert again.content == face.content


async def test_a_picture_pasted_where_nothing_can_be_written_holds_for_this_run(
    bench: FaceBench, tmp_path: Path
) -> None:
    (tmp_path / "pasted-face.png").mkdir()
    face = await bench.choose(picture())
    assert face is not None
    assert face.content == picture()
    assert bench.errors == []
    assert bench.settings.settings.face == ""


async def test_an_address_is_left_to_the_service(make: Make) -> None:
    face = await make().choose(ADDRESS)
    assert face is not None
    assert (face.name, face.url, face.content) == ("mona.png", ADDRESS, None)
    assert await make().load() == face


def damaged(folder: Path) -> Path:
    file = folder / "cut.png"
    file.write_bytes(picture()[:60])
    return file


def words(folder: Path) -> Path:
    file = folder / "words.png"
    file.write_text("not a picture")
    return file


def huge(folder: Path) -> Path:
    file = folder / "huge.png"
    with file.open("wb") as sparse:
        sparse.truncate(20_000_001)
    return file


def dot(folder: Path) -> Path:
    file = folder / "dot.png"
    file.write_bytes(picture(1, 1))
    return file


@pytest.mark.parametrize(
    ("make_bad", "code"),
    [
        (damaged, "face_not_image"),
        (words, "face_not_image"),
        (huge, "face_too_large"),
        (dot, "face_too_small"),
        (lambda folder: folder, "face_not_image"),
        (lambda folder: folder / "gone.png", "missing_file"),
        (lambda _folder: b"", "face_not_image"),
        (lambda _folder: "http://example.com/face.png", "insecure_address"),
    ],
)
async def test_what_can_not_be_a_face_is_told_and_the_old_face_stays(
    bench: FaceBench, tmp_path: Path, make_bad: Callable[[Path], Path | bytes | str], code: str
) -> None:
    before = await bench.choose(picture())
    bench.faces.clear()
    after = await bench.choose(make_bad(tmp_path))
    assert [error.code for error in bench.errors] == [code]
    assert bench.faces == []
    assert after == before


async def test_a_pasted_picture_that_is_too_large_is_made_smaller(bench: FaceBench) -> None:
    pasted = QImage(6500, 4000, QImage.Format.Format_RGB32)
    pasted.fill(Qt.GlobalColor.red)
    for given in (pasted, picture(6500, 4000)):
        face = await bench.choose(given)
        assert bench.errors == []
        assert face is not None
        assert QImage.fromData(face.content or b"").size() == QSize(2048, 1260)


async def test_the_last_choice_wins_here_and_on_disk(make: Make, tmp_path: Path) -> None:
    slow = tmp_path / "slow.png"
    slow.write_bytes(picture(3000, 3000, "green"))
    bench = make()
    face = await bench.choose(slow, picture(2000, 2000, "blue"), picture(colour="yellow"))
    assert face is not None
    assert face.content == picture(colour="yellow")
    assert bench.faces[-1] == face
    again = await make().load()
    assert again is not None
    assert again.content == face.content


async def test_a_choice_that_fails_after_a_later_one_was_taken_is_not_spoken_of(
    bench: FaceBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on a mount that has died, where the remembered face lies."""
    fails = threading.Event()

    def read_in_vain(path: Path) -> Face:
        assert fails.wait(10)
        raise FaceNotImageError(name=path.name)

    monkeypatch.setattr(face_file, "load_face", read_in_vain)
    bench.controller.choose(tmp_path / "slow.png")
    bench.controller.choose(ADDRESS)
    async with asyncio.timeout(5.0):
        while not bench.faces:
            await asyncio.sleep(0.01)
    fails.set()
    await bench.scope.join(5.0)
    assert bench.errors == []
    assert bench.controller.face == bench.faces[0]


async def test_a_bad_choice_after_a_good_one_does_not_take_the_good_one_back(bench: FaceBench) -> None:
    face = await bench.choose(picture(2000, 2000, "blue"), b"nothing")
    assert [error.code for error in bench.errors] == ["face_not_image"]
    assert face is not None
    assert face.content == picture(2000, 2000, "blue")
