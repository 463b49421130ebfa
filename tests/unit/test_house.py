"""Rules of the house that import-linter cannot hold: it knows no parts of foreign packages."""

import ast
from functools import cache
from pathlib import Path

import pytest

import atlas_desktop

PACKAGE = Path(atlas_desktop.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))


@cache
def imported(file: Path) -> set[str]:
    """Every module and name that ``file`` imports, dotted."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def users_of(package: str) -> set[str]:
    """The files that import ``package``, relative to ours."""
    return {
        str(file.relative_to(PACKAGE))
        for file in SOURCES
        if any(name == package or name.startswith(f"{package}.") for name in imported(file))
    }


def test_livekit_is_met_in_the_media_path_and_one_file_of_the_session() -> None:
    elsewhere = {name for name in users_of("livekit.rtc") if not name.startswith("media/")}
    assert elsewhere == {"session/room/livekit_room.py"}


def test_qt_multimedia_is_met_in_the_sound_process_only() -> None:
    elsewhere = {name for name in users_of("PySide6.QtMultimedia") if not name.startswith("audio/")}
    assert elsewhere == set()


def test_qasync_is_met_in_one_file() -> None:
    assert users_of("qasync") == {"qtloop.py"}


def test_keyring_is_met_in_one_file() -> None:
    assert users_of("keyring") == {"storage/keys.py"}


@cache
def named_in(file: Path) -> set[str]:
    """Every name and attribute that ``file`` reads or calls."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    found = (node for node in nodes if isinstance(node, ast.Attribute | ast.Name))
    return {node.attr if isinstance(node, ast.Attribute) else node.id for node in found}


def callers_of(method: str) -> set[str]:
    """The files that call a method or class of that name, relative to ours."""
    return {str(file.relative_to(PACKAGE)) for file in SOURCES if method in named_in(file)}


def test_no_text_can_become_markup() -> None:
    # Qt reads what looks like HTML as HTML in these: each has one place that sees to it.
    assert callers_of("setToolTip") == {"ui/look/plain_widgets.py"}
    assert callers_of("setWhatsThis") | callers_of("QMessageBox") | callers_of("QTextBrowser") == set()
    assert callers_of("setHtml") | callers_of("QTextEdit") | callers_of("RichText") == set()


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_file_can_be_read_in_one_go(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400
