"""The measuring program leaves the machine as it found it."""

from pathlib import Path

from tests.bench.versus.grouping import one_group


def test_grouping_is_off_meanwhile_and_back_afterwards(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    switch.write_text("1")
    with one_group(switch):
        assert switch.read_text() == "0"
    assert switch.read_text() == "1"


def test_where_there_is_none_nothing_is_written(tmp_path: Path) -> None:
    with one_group(tmp_path / "none"):
        pass
    assert not (tmp_path / "none").exists()
