"""The model and what is given to it: sound, folders, faces, text, and what is none of these."""

from pathlib import Path

from atlas_desktop.api.source import Mode
from atlas_desktop.cues.queue import CueState
from atlas_desktop.ui.drops.drop_plan import plan_drop
from tests.ui.model_bench import (
    KEY,
    FakeMicrophone,
    Make,
    ModelBench,
    drop,
    go_live,
    make_files,
    picture,
    states,
)
from tests.unit.session.fakes import settle


async def test_sound_dropped_in_a_conversation_waits_and_one_button_speaks_it(
    keyed: ModelBench, tmp_path: Path
) -> None:
    await go_live(keyed)
    await drop(keyed, *make_files(tmp_path, "a.wav"))
    notice = keyed.notices["cues_wait"]
    assert "$" in notice.advice
    assert notice.actions[0].label == "Switch to passthrough and play"
    assert states(keyed) == [CueState.WAITING]
    keyed.press("cues_wait")
    await settle(lambda: states(keyed) == [CueState.PLAYING], 2.0)
    assert keyed.model.mode is Mode.PASSTHROUGH
    assert keyed.notices == {}


async def test_the_button_costs_nothing_in_a_rehearsal(make_model: Make, tmp_path: Path) -> None:
    bench = make_model()
    bench.model.rehearse()
    await bench.live()
    await drop(bench, *make_files(tmp_path, "a.wav"))
    assert bench.notices["cues_wait"].advice == "That costs nothing here."


async def test_sound_dropped_before_a_session_chooses_passthrough_and_is_spoken_once_live(
    keyed: ModelBench, tmp_path: Path
) -> None:
    await drop(keyed, *make_files(tmp_path, "2.wav", "1.mp3"))
    assert keyed.model.mode is Mode.PASSTHROUGH
    assert [cue.name for cue in keyed.model.cues] == ["2.wav", "1.mp3"]
    keyed.model.start()
    await settle(lambda: keyed.model.cues[0].state is CueState.PLAYING, 2.0)
    assert keyed.notices == {}


async def test_a_hundred_files_keep_their_order(make_model: Make, tmp_path: Path) -> None:
    names = [f"take {number}.wav" for number in range(100, 0, -1)]
    bench = make_model()
    await drop(bench, *make_files(tmp_path, *names))
    assert [cue.name for cue in bench.model.cues] == names
    await bench.quiet()
    assert all(cue.duration_s == 12.0 for cue in bench.model.cues)


async def test_a_folder_gives_its_sounds_in_natural_order(make_model: Make, tmp_path: Path) -> None:
    make_files(tmp_path, "take10.wav", "take2.wav", "notes.txt")
    bench = make_model()
    await drop(bench, tmp_path)
    assert [cue.name for cue in bench.model.cues] == ["take2.wav", "take10.wav"]


async def test_a_folder_without_sound_is_said_and_changes_nothing(make_model: Make, tmp_path: Path) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    bench = make_model()
    await drop(bench, folder)
    assert bench.notices["no_sound_in"].title == "No sound files in holiday"
    assert bench.model.mode is Mode.CONVERSATION
    assert bench.model.cues == ()


async def test_a_broken_file_is_named_and_the_rest_goes_on(make_model: Make, tmp_path: Path) -> None:
    bench = make_model()
    await drop(bench, *make_files(tmp_path, "bad take.wav", "good.wav"))
    await bench.quiet()
    assert bench.notices["unreadable_audio"].title.startswith("bad take.wav")
    assert states(bench) == [CueState.FAILED, CueState.WAITING]


async def test_broken_files_are_named_together(make_model: Make, tmp_path: Path) -> None:
    bench = make_model()
    await drop(bench, *make_files(tmp_path, "bad one.wav", "good.wav", "bad two.wav"))
    await bench.quiet()
    title = bench.notices["unreadable_audio"].title
    assert "bad one.wav" in title
    assert "bad two.wav" in title
    assert "Accepted" in bench.notices["unreadable_audio"].advice


async def test_a_picture_becomes_the_face_of_the_next_session(make_model: Make, tmp_path: Path) -> None:
    file = tmp_path / "me.png"
    file.write_bytes(picture())
    bench = make_model()
    faces: list[object] = []
    bench.model.face_changed.connect(faces.append)
    await drop(bench, file)
    await bench.quiet()
    assert bench.model.face is not None
    assert faces == [bench.model.face]
    assert bench.model.face.name == "me.png"
    assert bench.model.mode is Mode.CONVERSATION


async def test_a_picture_itself_and_an_address_become_the_face_too(make_model: Make) -> None:
    bench = make_model()
    await drop(bench, picture=picture())
    await bench.quiet()
    assert bench.model.face is not None
    assert bench.model.face.content == picture()
    bench.model.open_drop(plan_drop(["https://example.com/mona.png"]), b"")
    await bench.quiet()
    assert bench.model.face.url == "https://example.com/mona.png"


async def test_a_start_right_after_a_face_was_chosen_waits_for_it(keyed: ModelBench) -> None:
    keyed.session.attach_microphone(FakeMicrophone)
    keyed.model.set_face(picture(2000))
    keyed.model.start()
    keyed.model.set_microphone(True)
    await keyed.live()
    assert [face.content for face in keyed.atlas.faces if face is not None] == [picture(2000)]
    assert keyed.model.snapshot.microphone_wanted


async def test_a_remembered_face_is_there_for_a_start_at_once(make_model: Make, tmp_path: Path) -> None:
    file = tmp_path / "me.png"
    file.write_bytes(picture(2000))
    bench = make_model(environment=KEY)
    bench.model.change_settings(face=str(file))
    bench.settings.close()
    bench = make_model(environment=KEY)
    bench.model.load()
    bench.model.rehearse()
    await bench.live()
    assert [face.name for face in bench.rehearsal.atlas.faces if face is not None] == ["me.png"]


async def test_a_face_chosen_meanwhile_is_that_of_the_session_after_a_switch(make_model: Make) -> None:
    bench = make_model()
    bench.model.rehearse()
    await bench.live()
    bench.model.set_face(picture())
    bench.model.set_mode(Mode.PASSTHROUGH)
    await settle(lambda: len(bench.rehearsal.atlas.faces) == 2)
    assert bench.rehearsal.atlas.faces[1] == bench.model.face
    assert bench.model.face is not None
    assert bench.model.face.content == picture()


async def test_a_bad_face_is_said_until_a_good_one_comes(make_model: Make, tmp_path: Path) -> None:
    bench = make_model()
    await bench.load()
    before = bench.model.face
    bench.model.set_face(b"not a picture")
    await bench.quiet()
    assert "not a picture" in bench.notices["face_not_image"].title
    assert bench.model.face == before
    bench.model.set_face(picture())
    await bench.quiet()
    assert bench.notices == {}


async def test_a_text_is_offered_to_the_message_box(make_model: Make) -> None:
    bench = make_model()
    offered: list[str] = []
    bench.model.text_offered.connect(offered.append)
    await drop(bench, text="  Say this\nand that  ")
    assert offered == ["Say this\nand that"]
    assert bench.raised == []


async def test_what_is_not_accepted_is_named_beside_what_is(make_model: Make, tmp_path: Path) -> None:
    bench = make_model()
    await drop(bench, *make_files(tmp_path, "a.wav", "b.pdf", "c.doc", "d.exe", "e.zip"))
    await bench.quiet()
    assert [cue.name for cue in bench.model.cues] == ["a.wav"]
    assert bench.notices["not_accepted"].title == "Not accepted: b.pdf, c.doc, d.exe + 1"


async def test_a_link_that_is_no_picture_is_not_accepted(make_model: Make) -> None:
    bench = make_model()
    bench.model.open_drop(plan_drop(["https://example.com/page?token=secret"]), b"")
    assert bench.notices["not_accepted"].title == "Not accepted: example.com/page"
