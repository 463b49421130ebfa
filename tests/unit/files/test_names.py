import os
import socket
from pathlib import Path

import pytest

from atlas_desktop.errors import ElsewhereError, MissingFileError, shown_name
from atlas_desktop.files import absolute, addresses_in, as_given, path_of_address


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("file:///tmp/a%20b.wav", b"/tmp/a b.wav"),
        ("file:///tmp/caf%E9.wav", b"/tmp/caf\xe9.wav"),
        ("file:///tmp/%C3%A4.wav", "/tmp/ä.wav".encode()),
        ("file:/one/slash.wav", b"/one/slash.wav"),
        ("file://localhost/x.wav", b"/x.wav"),
        ("file://LOCALHOST/x.wav", b"/x.wav"),
        ("FILE:///x.wav", b"/x.wav"),
        ("file:///a%2523b%23c%3F.wav", b"/a%23b#c?.wav"),
        ("file:///two%0Alines.wav", b"/two\nlines.wav"),
        (f"file://{socket.gethostname()}/x.wav", b"/x.wav"),
    ],
)
def test_an_address_of_this_computer_is_a_path_byte_for_byte(address: str, path: bytes) -> None:
    found = path_of_address(address)
    assert found is not None
    assert os.fsencode(found) == path


@pytest.mark.parametrize(
    "address",
    ["https://example.com/x.wav", "file:relative.wav", "file:", "file://[broken/x.wav", "x.wav", ""],
)
def test_what_is_no_address_of_a_file_is_no_path(address: str) -> None:
    assert path_of_address(address) is None


@pytest.mark.parametrize("address", ["file://OtherHost/share/x.wav", "file:////OtherHost/share/x.wav"])
def test_a_file_of_another_computer_is_said_to_be_there(address: str) -> None:
    with pytest.raises(ElsewhereError) as caught:
        path_of_address(address)
    assert str(caught.value).startswith("x.wav lies on another computer (")
    assert caught.value.params["host"].lower() == "otherhost"


def test_a_list_of_addresses_has_comments_and_both_ends_of_line() -> None:
    assert addresses_in(b"# from a file manager\r\nfile:///a.wav\r\n\r\nfile:///caf\xe9.wav\n") == [
        "file:///a.wav",
        "file:///caf\udce9.wav",
    ]
    assert addresses_in(b"copy\nfile:///a.wav\nfile:///b.wav") == ["file:///a.wav", "file:///b.wav"]
    assert addresses_in(b"file:///a.wav\r\n\0") == ["file:///a.wav"]
    assert addresses_in(b"") == []


def test_a_list_may_hold_bytes_as_they_are() -> None:
    (address,) = addresses_in(b"file:///caf\xe9.wav")
    assert os.fsencode(path_of_address(address) or "") == b"/caf\xe9.wav"


def test_a_relative_path_is_made_absolute_even_where_the_folder_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert absolute("a.wav") == folder / "a.wav"
    monkeypatch.setenv("PWD", str(folder))
    folder.rmdir()
    assert absolute("a.wav") == folder / "a.wav"
    monkeypatch.delenv("PWD")
    assert absolute("a.wav") == Path("/a.wav")
    assert absolute("/b.wav") == Path("/b.wav")


def test_an_argument_is_handed_on_as_another_process_can_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert as_given("a:b.wav") == str(tmp_path / "a:b.wav")
    assert as_given("file:///a.wav") == "file:///a.wav"
    assert as_given("https://example.com/a.wav") == "https://example.com/a.wav"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain.wav", "plain.wav"),
        ("ä 日本 שיר.wav", "ä 日本 שיר.wav"),
        ("caf\udce9.wav", "caf\ufffd.wav"),
        ("two\nlines\ttab\r.wav", "two lines tab .wav"),
        ("bell\x07\x1b[31m.wav", "bell[31m.wav"),
        ("exe\u202egpj.wav", "exegpj.wav"),
        ("a\u2067b\u2069\u200fc\u2028d", "abc d"),
        ("👩‍💻.wav", "👩‍💻.wav"),
    ],
)
def test_a_name_is_shown_as_one_readable_line(name: str, shown: str) -> None:
    assert shown_name(name) == shown
    shown_name(name).encode()


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    shown = shown_name("b" * 5000 + "egin to end.wav")
    assert len(shown) == 120
    assert shown.startswith("bbbb")
    assert shown.endswith("egin to end.wav")
    assert "…" in shown


def test_an_error_names_a_file_so_that_it_can_be_shown() -> None:
    assert str(MissingFileError(name="a\n\udce9.wav")) == "a \ufffd.wav is no longer there"
