import json
import os
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import Mode
from atlas_desktop.storage.settings import RANGES, Settings, ThemeChoice, parse
from atlas_desktop.storage.settings_store import SettingsStore


def test_first_run_has_defaults_and_writes_nothing(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    store.close()
    assert store.settings == Settings()
    assert store.settings.mode is Mode.CONVERSATION
    assert not list(tmp_path.iterdir())


def test_what_was_changed_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "settings.json"
    store = SettingsStore(file)
    store.change(theme=ThemeChoice.LIGHT, volume=35, mode=Mode.PASSTHROUGH, face="/tmp/ä.png")
    store.change(volume=36)
    store.close()
    again = SettingsStore(file).settings
    assert again == Settings(theme=ThemeChoice.LIGHT, volume=36, mode=Mode.PASSTHROUGH, face="/tmp/ä.png")


def test_changes_are_written_without_close(tmp_path: Path) -> None:
    import time

    file = tmp_path / "settings.json"
    store = SettingsStore(file, write_after_s=0.02)
    for volume in range(50):
        store.change(volume=volume)
    deadline_s = time.monotonic() + 3
    while not (file.exists() and json.loads(file.read_text())["volume"] == 49):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


def test_callbacks_hear_real_changes_only(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    heard: list[int] = []
    stop = store.on_change(lambda settings: heard.append(settings.volume))
    store.change(volume=10)
    store.change(volume=10)
    stop()
    store.change(volume=11)
    store.close()
    assert heard == [10]


def test_unknown_keys_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"volume": 20, "from_the_future": {"a": [1, 2]}}')
    store = SettingsStore(file)
    store.change(volume=21)
    store.close()
    written = json.loads(file.read_text())
    assert written["from_the_future"] == {"a": [1, 2]}
    assert written["volume"] == 21


@pytest.mark.parametrize(
    "wrong",
    [
        {"volume": "loud"},
        {"volume": 101},
        {"volume": True},
        {"theme": "pink"},
        {"mode": None},
        {"reduce_motion": 1},
        {"match_loudness": "yes"},
        {"face": 7},
        {"volume": 20.5},
        {"limit_session_usd": 0},
        {"limit_session_usd": -5},
        {"limit_session_usd": "5"},
        {"limit_session_s": True},
        {"limit_day_usd": 1e9},
        {"limit_day_usd": float("nan")},
        {"limit_idle_s": float("inf")},
        {"limit_hang_s": None},
        {"limits_seen": 1},
        {"limit_session_usd": 1e308},
        {"limit_session_usd": 10**400},
        {"limit_session_usd": [5]},
        {"limit_session_s": {}},
        {"limit_day_usd": False},
        {"limit_day_usd": -0.0},
        {"limit_hang_s": float("-inf")},
        {"volume": 1e308},
        {"speaker_delay_ms": "12"},
        {"speaker_delay_ms": float("nan")},
        {"picture_path": ["gl"]},
        {"picture_path": "vulkan"},
        {"theme": {"dark": 1}},
        {"theme": 1},
        {"mode": "monologue"},
        {"face": "a\0b"},
        {"face": "\ud800"},
        {"backend_url": ["http://localhost"]},
        {"speaker_id": None},
        {"limits_checked": "no"},
    ],
)
def test_a_value_of_the_wrong_kind_is_its_default(tmp_path: Path, wrong: dict[str, object]) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"transcript_open": False, **wrong}))
    assert SettingsStore(file).settings == Settings(transcript_open=False)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "\x00\x01", '{"volume": 1', "[" * 9_999, "7" * 9_999]
)
def test_a_damaged_file_is_moved_aside(tmp_path: Path, text: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text)
    store = SettingsStore(file)
    assert store.settings == Settings()
    assert store.moved_aside is not None
    assert store.moved_aside.read_text() == text
    assert not file.exists()


@pytest.mark.parametrize(
    ("written", "held", "repaired"),
    [
        ({"limit_session_usd": 500.0, "limit_day_usd": 2000}, (5.0, 20.0), 2),
        ({"limit_session_usd": 500}, (5.0, 20.0), 1),
        ({"limit_day_usd": 2000.0, "limit_session_usd": 7.0}, (7.0, 20.0), 1),
        ({"limit_session_usd": 499.0, "limit_day_usd": 1999.0}, (499.0, 1999.0), 0),
        ({"limit_session_usd": 500.0, "limits_checked": True}, (500.0, 20.0), 0),
        ({"limit_session_usd": "500", "limit_day_usd": True}, (5.0, 20.0), 0),
        ({}, (5.0, 20.0), 0),
    ],
)
def test_limits_that_were_misread_are_set_back_once(
    tmp_path: Path, written: dict[str, object], held: tuple[float, float], repaired: int
) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(written))
    store = SettingsStore(file)
    settings = store.settings
    assert (settings.limit_session_usd, settings.limit_day_usd) == held
    assert len(store.repaired) == repaired
    store.close()
    assert SettingsStore(file).repaired == {}
    # Who then types such a limit means it.
    store = SettingsStore(file)
    store.change(limit_session_usd=500.0)
    store.close()
    again = SettingsStore(file)
    assert (again.settings.limit_session_usd, again.repaired) == (500.0, {})


def changed_file(file: Path, **limits: float) -> bytes:
    store = SettingsStore(file)
    store.change(**limits, limits_seen=True, volume=30)
    store.close()
    return file.read_bytes()


@pytest.mark.parametrize("byte", [b"\0", b"\n", b" ", b'"', b"0", b"9", b"\xff"])
def test_no_byte_of_the_file_makes_a_limit_higher(tmp_path: Path, byte: bytes) -> None:
    file = tmp_path / "settings.json"
    good = changed_file(file, limit_session_usd=1.5, limit_day_usd=40.0, limit_session_s=600.0)
    for at in range(len(good)):
        try:
            found, _ = parse((good[:at] + byte + good[at + 1 :]).decode("utf-8", "replace"))
        except ValueError:
            continue
        assert found.limit_session_usd <= 1.5, good[at - 9 : at + 9]
        assert found.limit_day_usd <= 40.0, good[at - 9 : at + 9]
        assert found.limit_session_s <= 600.0, good[at - 9 : at + 9]


def test_limits_survive_what_tears_the_rest_off(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    good = changed_file(file, limit_session_usd=1.5)
    for cut in range(200, len(good) - 2, 37):
        file.write_bytes(good[:cut])
        store = SettingsStore(file)
        assert store.moved_aside is not None
        assert (store.settings.limit_session_usd, store.settings.volume) == (1.5, 80)
        assert not store.settings.limits_seen


def test_a_limit_that_is_not_what_was_written_is_said_and_lowered(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    good = changed_file(file, limit_session_usd=1.5)
    file.write_bytes(good.replace(b'"limit_session_usd": 1.5', b'"limit_session_usd": 915'))
    store = SettingsStore(file)
    assert (store.settings.limit_session_usd, store.unusable) == (1.5, ("limit_session_usd",))
    store.close()
    assert SettingsStore(file).unusable == ()


def test_a_limit_that_is_lowered_by_hand_holds(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    good = changed_file(file, limit_session_usd=1.5)
    file.write_bytes(good.replace(b'"limit_session_usd": 1.5', b'"limit_session_usd": 0.5'))
    assert SettingsStore(file).settings.limit_session_usd == 0.5


def test_where_limits_and_seal_are_both_damaged_the_usual_ones_hold(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    good = changed_file(file, limit_session_usd=1.5, limit_day_usd=900.0)
    torn = re.sub(rb'"limits_seal": "[^"]*"', b'"limits_seal": "1 2 3"', good)
    file.write_bytes(torn.replace(b'"limit_session_usd": 1.5', b'"limit_session_usd": 9.5'))
    settings = SettingsStore(file).settings
    assert settings.limit_session_usd <= SpendingLimits().session_usd
    assert settings.limit_day_usd <= SpendingLimits().day_usd


@pytest.mark.parametrize(
    "seal", ["null", "[]", '""', '"x"', '"1 2 3 4 5 6"', "[" * 400 + "]" * 400, "9" * 400]
)
def test_a_seal_that_is_none_makes_no_limit_higher(tmp_path: Path, seal: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(f'{{"limits_seal": {seal}, "limit_session_usd": 900, "limit_day_usd": [[]]}}')
    assert SettingsStore(file).settings.spending_limits == SpendingLimits()


def test_a_file_without_end_fills_no_memory(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    changed_file(file)
    os.truncate(file, 1 << 40)
    store = SettingsStore(file)
    assert store.moved_aside is not None
    assert store.moved_aside.stat().st_size == 1 << 40


@pytest.mark.parametrize("depth", range(20, 1000, 70))
def test_however_deep_the_unknown_is_settings_are_saved(tmp_path: Path, depth: int) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"volume": 20, "other": ' + "[" * depth + "]" * depth + "}")
    store = SettingsStore(file)
    store.change(volume=21)
    store.close()
    assert SettingsStore(file).settings.volume == 21


def test_a_file_is_set_aside_though_a_folder_has_that_name(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    (tmp_path / "settings.damaged.json" / "x").mkdir(parents=True)
    file.write_text("{")
    store = SettingsStore(file)
    assert store.moved_aside == tmp_path / "settings.damaged-2.json"


def test_bytes_that_are_no_text_are_moved_aside_too(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(b"\xff\xfe\x80")
    assert SettingsStore(file).moved_aside is not None


def test_a_file_saved_by_an_editor_that_marks_utf8_is_read(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"limit_session_usd": 1.5}', encoding="utf-8-sig")
    store = SettingsStore(file)
    assert (store.settings.limit_session_usd, store.moved_aside) == (1.5, None)


@pytest.mark.parametrize("place", ["folder", "loop", "pipe"])
def test_what_is_no_file_is_moved_aside_and_settings_are_saved(tmp_path: Path, place: str) -> None:
    file = tmp_path / "settings.json"
    make: dict[str, Callable[[], object]] = {
        "folder": file.mkdir,
        "loop": lambda: file.symlink_to(file.name),
        "pipe": lambda: os.mkfifo(file),
    }
    make[place]()
    store = SettingsStore(file)
    assert store.moved_aside is not None
    store.change(volume=5)
    store.close()
    assert SettingsStore(file).settings.volume == 5


def test_a_folder_that_can_not_be_written_costs_nothing_but_the_saving(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = SettingsStore(tmp_path / "file" / "settings.json")
    store.change(volume=5)
    store.close()
    assert store.settings.volume == 5


def test_an_unknown_setting_is_a_mistake_of_ours(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        SettingsStore(tmp_path / "settings.json").change(colour="blue")


def test_the_limits_are_numbers_whole_or_not(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"limit_session_usd": 7, "limit_session_s": 900.5, "limits_seen": true}')
    settings = SettingsStore(file).settings
    assert settings.spending_limits == SpendingLimits(session_usd=7.0, session_s=900.5)
    assert settings.limits_seen


def test_without_a_choice_the_limits_are_those_of_the_session() -> None:
    assert Settings().spending_limits == SpendingLimits()


def test_every_number_has_a_range_that_its_default_is_in() -> None:
    defaults: dict[str, Any] = {field.name: field.default for field in fields(Settings)}
    numbers = {
        name
        for name, default in defaults.items()
        if isinstance(default, int | float) and not isinstance(default, bool)
    }
    assert numbers == set(RANGES)
    assert all(low <= defaults[name] <= high for name, (low, high) in RANGES.items())


def test_a_path_with_bytes_that_are_no_utf8_survives(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    store.change(face="/home/caf\udce9 ä.png")
    store.close()
    assert SettingsStore(tmp_path / "settings.json").settings.face == "/home/caf\udce9 ä.png"


def test_a_pipe_in_their_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "settings.json")
    assert SettingsStore(tmp_path / "settings.json").settings == Settings()
