import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_desktop import logs

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("key ak_live_1234567890 refused", "ak_live_1234567890"),
        (f"joining with {JWT}", JWT),
        ("Authorization: Bearer opaque-token-77", "opaque-token-77"),
        ("GET /rtc?access_token=abc.def&x=1", "abc.def"),
        ("GET /rtc/v1?join_request=CAESabc", "CAESabc"),
        ("using proxy http://ann:p%40ss@proxy.example:3128/", "p%40ss"),
    ],
)
def test_secrets_are_redacted(said: str, secret: str) -> None:
    assert secret not in logs.redact(said)


def test_ordinary_text_stays() -> None:
    text = "took 12 ms; leak_check ok; session ses_0123456789abcdef0123 joined"
    assert logs.redact(text) == text


@pytest.fixture
def file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Path]:
    """The file of a log that is set up as the program's."""
    file = tmp_path / "logs" / "atlas.log"
    logs.set_up(file=file)
    yield file
    for handler in logging.getLogger().handlers:
        handler.close()


def test_with_a_file_the_terminal_gets_complaints_only(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("test").info("all is well")
    logging.getLogger("test").warning("beware")
    logging.getLogger("livekit").warning("no confirmed transport")
    assert "all is well" in file.read_text()
    said = capsys.readouterr().err
    assert "beware" in said
    assert "all is well" not in said
    assert "no confirmed transport" not in said
    assert "no confirmed transport" in file.read_text()


def test_the_file_holds_no_secret_not_even_in_a_traceback(file: Path) -> None:
    try:
        raise ValueError("bad key ak_secret_value_1")
    except ValueError:
        logging.getLogger("test").exception("with %s", "ak_other_value_2")
    written = file.read_text()
    assert "ValueError" in written
    assert "ak_secret_value_1" not in written
    assert "ak_other_value_2" not in written


def test_a_name_neither_forges_a_line_nor_steers_a_terminal(file: Path) -> None:
    name = "a.wav\n2026-01-01 00:00:00,000 ERROR root: forged \x1b[2J\u202e"
    try:
        raise OSError(2, f"no such file: {name}")
    except OSError:
        logging.getLogger("atlas_desktop.test").info("can't read %s", name, exc_info=True)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert r"can't read a.wav\n2026-01-01 00:00:00,000 ERROR root: forged \x1b[2J\u202e" in lines[0]
    assert lines[1].startswith("Traceback")
    assert all(line.isprintable() for line in lines)


def test_a_log_that_can_not_be_written_is_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    logs.set_up(file=tmp_path / "file" / "log" / "app.log")
    for _ in range(3):
        logging.getLogger("atlas_desktop").info("hello")


def test_a_name_that_is_no_utf8_is_logged(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("atlas_desktop").info("opened %s", "caf\udce9.wav")
    assert "caf\\udce9.wav" in file.read_text(encoding="utf-8")
    assert capsys.readouterr().err == ""


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "atlas.log")
    logs.set_up(file=tmp_path / "atlas.log")
    logging.getLogger("atlas").info("nobody reads this")
    assert capsys.readouterr().err == ""
