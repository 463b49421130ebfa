"""Drops whose files are still to be read: their order, what turns out otherwise, what was removed."""

import asyncio
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QListView
from pytestqt.qtbot import QtBot

from atlas_desktop.api.source import Mode
from atlas_desktop.cues.queue import CueState
from atlas_desktop.ui.cues.cue_strip import CueStrip
from atlas_desktop.ui.drops.drop_controller import MOST_AT_ONCE
from atlas_desktop.ui.drops.drop_plan import plan_drop
from atlas_desktop.ui.look.theme import Theme
from tests.desk.slow_disk import SlowDisk, slow_disk
from tests.ui.model_bench import Make, ModelBench, go_live, make_files, picture
from tests.unit.media.stand_ins import tone, write_wav
from tests.unit.session.fakes import settle


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SlowDisk]:
    sound = write_wav(tmp_path / "sound.wav", tone(0.5)).read_bytes()
    with slow_disk(tmp_path / "disk", **{"slow.wav": b"x", "slow.png": picture(), "slow": sound}) as disk:
        disk.lookup_s = 0.3
        yield disk


def give(bench: ModelBench, *given: Path | str) -> None:
    """As a drop comes from the window: by names alone."""
    bench.model.open_drop(plan_drop(given), b"")


def names(bench: ModelBench) -> list[str]:
    return [f"{cue.name}{' …' if cue.is_reading else ''}" for cue in bench.model.cues]


async def read(bench: ModelBench) -> None:
    await settle(lambda: not any(cue.is_reading for cue in bench.model.cues), 10.0)


def test_what_a_drop_would_do_is_known_without_a_look_at_the_disk(disk: SlowDisk) -> None:
    plan = plan_drop([disk.path(name) for name in ("slow.wav", "slow.png", "slow", "notes.txt")])
    assert plan.audio == (disk.path("slow.wav"), disk.path("slow"))
    assert plan.face == disk.path("slow.png")
    assert plan.refused == ("notes.txt",)
    assert disk.looked_up == []


async def test_several_drops_in_a_row_keep_their_order(
    make_model: Make, disk: SlowDisk, tmp_path: Path
) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    make_files(folder, "take10.wav", "take2.wav")
    bench = make_model()
    give(bench, disk.path("slow.wav"))
    give(bench, folder)
    give(bench, *make_files(tmp_path, "quick.wav"))
    assert names(bench) == ["slow.wav …", "album …", "quick.wav …"]
    await settle(lambda: names(bench) == ["slow.wav …", "take2.wav", "take10.wav", "quick.wav"], 10.0)
    assert bench.model.mode is Mode.PASSTHROUGH
    await read(bench)
    assert names(bench) == ["slow.wav", "take2.wav", "take10.wav", "quick.wav"]


async def test_what_is_given_later_waits_for_what_is_still_read(
    keyed: ModelBench, disk: SlowDisk, tmp_path: Path
) -> None:
    await go_live(keyed, Mode.PASSTHROUGH)
    give(keyed, disk.path("slow.wav"))
    give(keyed, *make_files(tmp_path, "quick.wav"))
    await settle(lambda: names(keyed) == ["slow.wav …", "quick.wav"], 10.0)
    assert keyed.model.cues[1].state is CueState.WAITING
    await settle(lambda: keyed.model.cues[0].state is CueState.PLAYING, 10.0)
    assert keyed.model.cues[1].state is CueState.WAITING


async def test_what_waits_goes_on_when_what_is_still_read_is_removed(
    keyed: ModelBench, disk: SlowDisk, tmp_path: Path
) -> None:
    disk.lookup_s = 1000.0
    await go_live(keyed, Mode.PASSTHROUGH)
    give(keyed, disk.path("slow.wav"))
    give(keyed, *make_files(tmp_path, "quick.wav"))
    await settle(lambda: names(keyed) == ["slow.wav …", "quick.wav"], 10.0)
    keyed.model.play_cue(keyed.model.cues[0].id)
    keyed.model.remove_cue(keyed.model.cues[0].id)
    assert [cue.state for cue in keyed.model.cues] == [CueState.PLAYING]


async def test_next_leaves_what_is_still_read_in_its_place(
    keyed: ModelBench, disk: SlowDisk, tmp_path: Path
) -> None:
    await go_live(keyed, Mode.PASSTHROUGH)
    give(keyed, *make_files(tmp_path, "quick.wav"))
    await settle(lambda: keyed.model.cues[0].state is CueState.PLAYING, 10.0)
    give(keyed, disk.path("slow.wav"))
    keyed.model.next_cue()
    assert [cue.state for cue in keyed.model.cues] == [CueState.DONE, CueState.WAITING]
    await settle(lambda: keyed.model.cues[1].state is CueState.PLAYING, 10.0)


async def test_an_interrupt_holds_what_is_still_read_too(
    keyed: ModelBench, disk: SlowDisk, tmp_path: Path
) -> None:
    await go_live(keyed, Mode.PASSTHROUGH)
    give(keyed, *make_files(tmp_path, "quick.wav"))
    await settle(lambda: keyed.model.cues[0].state is CueState.PLAYING, 10.0)
    give(keyed, disk.path("slow.wav"))
    keyed.model.interrupt()
    await read(keyed)
    assert [cue.state for cue in keyed.model.cues] == [CueState.DONE, CueState.PAUSED]


async def test_names_that_say_nothing_become_what_their_bytes_say(
    make_model: Make, disk: SlowDisk, tmp_path: Path
) -> None:
    (tmp_path / "face").write_bytes(picture())
    (tmp_path / "readme").write_text("words")
    (tmp_path / "sounds.txt").mkdir()
    make_files(tmp_path / "sounds.txt", "inside.wav")
    make_files(tmp_path, "plain.txt")
    bench = make_model()
    give(
        bench, disk.path("slow"), *(tmp_path / name for name in ("face", "readme", "sounds.txt", "plain.txt"))
    )
    before = bench.model.mode
    assert before is Mode.CONVERSATION
    await read(bench)
    await bench.quiet()
    assert names(bench) == ["slow", "inside.wav"]
    assert bench.model.face is not None
    assert bench.model.face.name == "face"
    assert bench.notices["not_accepted"].title == "Not accepted: plain.txt, readme"
    assert bench.model.mode is Mode.PASSTHROUGH


async def test_a_mode_chosen_while_it_is_read_is_kept(make_model: Make, disk: SlowDisk) -> None:
    bench = make_model()
    give(bench, disk.path("slow"))
    bench.model.set_mode(Mode.CONVERSATION)
    await read(bench)
    assert bench.model.mode is Mode.CONVERSATION


async def test_a_hint_comes_when_it_is_known_that_sound_waits(keyed: ModelBench, disk: SlowDisk) -> None:
    await go_live(keyed)
    give(keyed, disk.path("slow.wav"))
    assert keyed.notices == {}
    await read(keyed)
    await settle(lambda: "cues_wait" in keyed.notices, 10.0)


async def test_a_place_removed_while_it_is_read_stays_removed(make_model: Make, disk: SlowDisk) -> None:
    bench = make_model()
    give(bench, disk.path("slow.wav"), disk.path("slow"))
    for cue in bench.model.cues:
        bench.model.remove_cue(cue.id)
    await settle(lambda: len(disk.looked_up) >= 2, 10.0)
    await bench.quiet()
    assert bench.model.cues == ()
    assert bench.notices == {}


async def test_a_folder_that_may_not_be_read_and_one_without_sound_are_named(
    make_model: Make, disk: SlowDisk, tmp_path: Path
) -> None:
    disk.errors[b"closed"] = errno.EACCES
    (tmp_path / "silent").mkdir()
    os.mkfifo(tmp_path / "silent" / "pipe.wav")
    (tmp_path / "silent" / "circle.wav").symlink_to("circle.wav")
    (tmp_path / "silent" / "up.wav").symlink_to("..")
    bench = make_model()
    give(bench, disk.path("closed"), tmp_path / "silent")
    await read(bench)
    assert bench.notices["file_denied"].title == "closed may not be read"
    assert bench.notices["no_sound_in"].title == "No sound files in silent"
    assert [cue.state for cue in bench.model.cues] == [CueState.FAILED]


async def test_of_a_folder_of_very_many_as_many_are_taken_as_are_of_use(
    make_model: Make, tmp_path: Path, theme: Theme, qtbot: QtBot
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    make_files(folder, *(f"take {number}.wav" for number in range(1, MOST_AT_ONCE + 201)))
    bench = make_model()
    strip = CueStrip(bench.model, theme)
    qtbot.addWidget(strip)
    strip.show()
    give(bench, folder)
    give(bench, *make_files(tmp_path, "last.wav"))
    await settle(lambda: len(bench.model.cues) == MOST_AT_ONCE + 1, 60.0)
    await read(bench)
    assert names(bench) == [*(f"take {number}.wav" for number in range(1, MOST_AT_ONCE + 1)), "last.wav"]
    assert bench.notices["taken_in_part"].title == "Of 1,200 sound files the first 1,000 were taken"
    await settle(lambda: all(cue.duration_s is not None for cue in bench.model.cues), 60.0)
    (rows,) = strip.findChildren(QListView)
    await settle(lambda: rows.model().rowCount() == MOST_AT_ONCE + 1, 10.0)
    assert rows.model().index(9, 0).data() == "take 10.wav"
    assert rows.model().index(MOST_AT_ONCE, 0).data() == "last.wav"


async def test_many_folders_at_once_give_no_more_than_one(make_model: Make, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
        make_files(folder, *(f"{folder.name} {number}.wav" for number in range(1, MOST_AT_ONCE // 2 + 1)))
    bench = make_model()
    give(bench, *folders)
    await read(bench)
    await settle(lambda: len(bench.model.cues) == MOST_AT_ONCE, 60.0)
    # Whichever disk answers first: the order is that of the drop.
    folders_in_order = [name[0] for name in names(bench)]
    assert folders_in_order == sorted(folders_in_order)
    assert set(folders_in_order) == {"a", "b", "c"}
    assert bench.notices["taken_in_part"].title.endswith("the first 1,000 were taken")


async def test_files_of_other_computers_are_said_to_be_there(make_model: Make) -> None:
    bench = make_model()
    give(bench, "file://otherhost/music/a.wav")
    assert bench.notices["elsewhere"].title == "a.wav lies on another computer (otherhost)"
    assert bench.model.cues == ()


async def test_arguments_are_sound_whatever_their_names(make_model: Make, tmp_path: Path) -> None:
    make_files(tmp_path, "take.txt", "me.png")
    bench = make_model()
    bench.model.open_audio([str(tmp_path / "take.txt"), (tmp_path / "me.png").as_uri()])
    assert bench.model.mode is Mode.PASSTHROUGH
    await read(bench)
    await bench.quiet()
    assert names(bench) == ["take.txt", "me.png"]
    assert bench.notices == {}


async def test_a_drop_of_nothing_is_said_to_be_nothing(make_model: Make) -> None:
    bench = make_model()
    give(bench)
    assert bench.model.cues == ()
    assert bench.raised == []


async def test_what_was_said_is_written_once_the_disk_answers(
    keyed: ModelBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    real = Path.mkdir

    def slow_mkdir(path: Path, *args: object, **more: object) -> None:
        answers.wait()
        real(path, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", slow_mkdir)
    await go_live(keyed)
    began_s = asyncio.get_running_loop().time()
    for number in range(20):
        assert keyed.model.send(f"Hello {number}")
    assert asyncio.get_running_loop().time() - began_s < 5
    answers.set()
    folder = keyed.profile.transcripts_folder
    await settle(lambda: "Hello 19" in "".join(path.read_text() for path in folder.glob("*.jsonl")), 10.0)
