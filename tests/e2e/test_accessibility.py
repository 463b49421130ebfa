"""Reading a list of the window while the window changes it."""

from dataclasses import dataclass, field

import pytest

from tests.e2e.accessibility import Control, GoneError, Screen


@dataclass
class Item:
    """A row that may be gone when it is asked for its name."""

    said: str
    gone: bool = False

    @property
    def name(self) -> str:
        if self.gone:
            raise GoneError(self.said)
        return self.said


@dataclass
class Listing:
    """A list that has other rows each time it is asked, the last ones for good."""

    readings: list[list[Item]] = field(default_factory=list)

    @property
    def children(self) -> list[Item]:
        return self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]


def screen_with(monkeypatch: pytest.MonkeyPatch, listing: Listing | None) -> Screen:
    def find(_screen: Screen, _role: str, _name: str) -> Control | Listing | None:
        return listing

    monkeypatch.setattr(Screen, "find", find)
    return Screen.__new__(Screen)


def test_a_row_that_goes_while_being_read_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    changing = Listing([[Item("one"), Item("two", gone=True)], [Item("one")]])
    assert screen_with(monkeypatch, changing).names_in("Cue strip") == ["one"]


def test_a_list_that_never_holds_still_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GoneError):
        screen_with(monkeypatch, Listing([[Item("one", gone=True)]])).names_in("Cue strip")


def test_a_list_that_does_not_show_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    assert screen_with(monkeypatch, None).names_in("Cue strip") == []
