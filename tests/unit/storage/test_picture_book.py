import os
from pathlib import Path

import pytest

from atlas_desktop.storage.picture_book import Finding, PictureBook

FINDING = Finding("a card", "a machine", use_gl=True, why="measured", raster_ms=2.5, gl_ms=0.5)


@pytest.fixture
def book(tmp_path: Path) -> PictureBook:
    return PictureBook(tmp_path)


def test_a_finding_is_kept(book: PictureBook, tmp_path: Path) -> None:
    assert book.read() is None
    book.write(FINDING)
    assert PictureBook(tmp_path).read() == FINDING


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "no JSON",
            "[]",
            "{}",
            '{"use_gl": true}',
            '{"use_gl": 1, "odd": 2}',
            "[" * 99_999,
            " " * (5 << 20),
        ),
        '{"driver": 7, "machine": "m", "use_gl": true, "why": "w"}',
        '{"driver": "d", "machine": "m", "use_gl": 1, "why": "w"}',
        '{"driver": "d", "machine": "m", "use_gl": true, "why": "w", "raster_ms": "2"}',
        '{"driver": "d", "machine": "m", "use_gl": true, "why": "w", "gl_ms": 1e999}',
        '{"driver": "d", "machine": "m", "use_gl": true, "why": "w", "gl_ms": NaN}',
    ],
)
def test_a_finding_that_can_not_be_read_is_none(book: PictureBook, tmp_path: Path, text: str) -> None:
    (tmp_path / "picture-path.json").write_text(text, "utf-8")
    assert book.read() is None


def test_the_mark_outlives_a_crash(book: PictureBook, tmp_path: Path) -> None:
    assert book.died() is None
    assert book.begin("a card")
    assert PictureBook(tmp_path).died() == "a card"
    book.passed()
    book.passed()
    assert PictureBook(tmp_path).died() is None


def test_where_nothing_can_be_marked_nothing_is_tried(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    book = PictureBook(tmp_path / "file")
    assert not book.begin("a card")
    book.write(FINDING)
    book.passed()
    assert book.read() is None


def test_a_pipe_in_its_place_is_not_waited_for(book: PictureBook, tmp_path: Path) -> None:
    for name in ("picture-path.json", "picture-path.trying"):
        os.mkfifo(tmp_path / name)
    assert book.read() is None
    assert book.died() == ""


def test_where_nothing_can_be_seen_no_driver_has_died(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    assert PictureBook(tmp_path / "circle").died() is None
