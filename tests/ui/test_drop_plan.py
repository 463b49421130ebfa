import os
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from atlas_desktop.api.source import Mode
from atlas_desktop.errors import NotAFileError
from atlas_desktop.media.formats import sound_endings
from atlas_desktop.ui.drops.drop_overlay import DropContext, text_for
from atlas_desktop.ui.drops.drop_plan import (
    ItemKind,
    find_kind,
    kind_by_name,
    local_path,
    plan_drop,
    sounds_in,
)
from atlas_desktop.ui.look.pictures import png_bytes
from tests.unit.media.clips import encode, noise

LIVE = DropContext(Mode.PASSTHROUGH, is_live=True, has_session=True)
BEFORE = DropContext(Mode.CONVERSATION)


def make(folder: Path, name: str, content: bytes = b"x") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def said(paths: list[Path], text: str = "") -> str:
    words = text_for(plan_drop([path.as_uri() for path in paths], text), LIVE)
    return words.headline.format(**words.params)


@pytest.mark.parametrize(
    "name", ["a.wav", "b.MP3", "c.m4a", "d.ogg", "e.flac", "clip.mp4", "talk.webm", "x.opus"]
)
def test_sound_and_video_are_spoken(tmp_path: Path, name: str) -> None:
    path = make(tmp_path, name)
    assert plan_drop([path.as_uri()]).audio == (path,)


@pytest.mark.parametrize("name", ["me.png", "me.jpeg", "me.WEBP", "me.gif"])
def test_pictures_become_the_face(tmp_path: Path, name: str) -> None:
    path = make(tmp_path, name)
    plan = plan_drop([path.as_uri()])
    assert plan.face == path
    assert not plan.audio


@pytest.mark.parametrize("name", ["notes.txt", "paper.pdf", "drawing.svg", "photo.heic", "prog.exe"])
def test_the_rest_is_refused_by_name(tmp_path: Path, name: str) -> None:
    plan = plan_drop([make(tmp_path, name).as_uri()])
    assert plan.refused == (name,)
    assert (plan.audio, plan.message, plan.gives_face) == ((), "", False)


def test_several_keep_their_order_and_the_rest_is_named(tmp_path: Path) -> None:
    paths = [make(tmp_path, name) for name in ("10.wav", "2.mp3", "readme.txt", "1.ogg", "face.png")]
    plan = plan_drop([path.as_uri() for path in paths])
    assert [path.name for path in plan.audio] == ["10.wav", "2.mp3", "1.ogg"]
    assert plan.face == paths[4]
    assert plan.refused == ("readme.txt",)


def test_a_name_without_an_ending_may_be_sound_or_a_folder(tmp_path: Path) -> None:
    plan = plan_drop([tmp_path.as_uri()])
    assert plan.audio == (tmp_path,)
    assert plan.unknown == {tmp_path}
    assert find_kind(tmp_path) is ItemKind.FOLDER


@pytest.mark.parametrize("name", ["pipe", "pipe.wav", "pipe.png"])
def test_a_pipe_is_looked_at_and_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(NotAFileError):
        find_kind(tmp_path / name)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\0", ItemKind.FACE),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", ItemKind.FACE),
        (b"RIFF\0\0\0\0WEBPVP8 ", ItemKind.FACE),
        (b"%PDF-1.7", ItemKind.OTHER),
        (b"", ItemKind.OTHER),
    ],
)
def test_nameless_files_are_known_by_their_first_bytes(tmp_path: Path, head: bytes, kind: ItemKind) -> None:
    assert find_kind(make(tmp_path, "no-ending", head)) is kind


NAMELESS = {
    "a.wav": "pcm_s16le",
    "tagged.mp3": "libmp3lame",
    "bare.aac": "aac",
    "a.m4a": "aac",
    "a.ogg": "libopus",
    "a.mka": "flac",
    "a.flac": "flac",
    "a.wma": "wmav2",
    "a.ts": "aac",
}


@pytest.mark.parametrize(("name", "codec"), NAMELESS.items(), ids=NAMELESS.keys())
def test_what_ffmpeg_decodes_is_sound_whatever_its_name_alone_and_in_a_folder(
    tmp_path: Path, name: str, codec: str
) -> None:
    content = encode(tmp_path / name, codec, noise(24_000)).read_bytes()
    folder = tmp_path / "album"
    folder.mkdir()
    for other in ("take 1", "take 2.unknown"):
        assert find_kind(make(folder, other, content)) is ItemKind.AUDIO
    make(folder, "cover", b"\x89PNG\r\n\x1a\n")
    make(folder, "notes.txt", content)
    assert [path.name for path in sounds_in(folder)] == ["take 1", "take 2.unknown"]


def test_noise_and_text_without_an_ending_are_no_sound(tmp_path: Path) -> None:
    for seed in range(20):
        chance = np.random.default_rng(seed)
        assert find_kind(make(tmp_path, f"noise {seed}", chance.bytes(20_000))) is ItemKind.OTHER
    assert find_kind(make(tmp_path, "readme", b"These are words.\n" * 500)) is ItemKind.OTHER


def test_of_a_folder_of_other_things_few_are_opened(tmp_path: Path) -> None:
    for number in range(200):
        make(tmp_path, f"{number:03d}", b"other things")
    sound = encode(tmp_path / "a.wav", "pcm_s16le", noise(4_800))
    sound.rename(tmp_path / "199")
    named = encode(tmp_path / "b.wav", "pcm_s16le", noise(4_800))
    assert sounds_in(tmp_path) == [named]


def test_addresses(tmp_path: Path) -> None:
    assert (
        plan_drop(["https://example.com/a/face.png?size=2"]).face_url
        == "https://example.com/a/face.png?size=2"
    )
    assert plan_drop(["http://example.com/face.png"]).refused == ("example.com/face.png",)
    assert plan_drop(["https://user:secret@example.com/page"]).refused == ("example.com/page",)
    assert plan_drop(["mailto:someone@example.com"]).refused == ("mailto:someone@example.com",)


def test_a_picture_dragged_from_a_page_beats_its_address() -> None:
    plan = plan_drop(["https://example.com/view?id=3"], has_picture_data=True)
    assert plan.has_picture_data
    assert not plan.refused


def test_text_becomes_the_message_only_without_addresses() -> None:
    assert plan_drop(text="  Hello <b>there</b>  ").message == "Hello <b>there</b>"
    assert plan_drop(["https://example.com/x"], "https://example.com/x").message == ""


def test_windows_and_percent_paths() -> None:
    assert local_path("file:///C:/Users/A%20B/x.wav") == Path("C:/Users/A B/x.wav")
    assert local_path("file:///tmp/%C3%A4.wav") == Path("/tmp/ä.wav")
    assert local_path("C:/x.wav") == Path("C:/x.wav")
    assert local_path("https://example.com/x.wav") is None


def test_overlay_words(tmp_path: Path) -> None:
    sound, picture, paper = (make(tmp_path, name) for name in ("a.wav", "me.png", "p.pdf"))
    assert said([sound]) == "Drop to speak"
    assert said([sound, sound]) == "Drop to speak all 2, in this order"
    # How many lie in a folder is not known.
    assert said([tmp_path, sound]) == "Drop to speak them all, in this order"
    assert said([tmp_path]) == f"Drop to speak the sound in “{tmp_path.name}”"
    assert said([picture]) == "Becomes the face"
    assert said([paper]) == "Not accepted: p.pdf"
    assert said([paper] * 5) == "Not accepted: p.pdf, p.pdf, p.pdf …"
    assert said([], text="Hello") == "Becomes the message"
    assert said([]) == "Not accepted"


def test_overlay_says_when_a_sound_waits(tmp_path: Path) -> None:
    plan = plan_drop([make(tmp_path, "a.wav").as_uri()])
    assert "as soon as the avatar is live" in text_for(plan, BEFORE).detail
    waits = DropContext(Mode.CONVERSATION, is_live=True, has_session=True)
    assert "needs passthrough" in text_for(plan, waits).detail
    assert text_for(plan, LIVE).detail == "{name}"


def test_names_with_braces_are_said_as_they_are(tmp_path: Path) -> None:
    assert said([make(tmp_path, "{count}.pdf")]) == "Not accepted: {count}.pdf"


def test_overlay_hides_nothing_that_a_mixed_drop_does(tmp_path: Path) -> None:
    sound, picture, paper = (make(tmp_path, name).as_uri() for name in ("a.wav", "me.png", "p.pdf"))
    for dropped in ([sound, picture, paper], [picture, paper]):
        words = text_for(plan_drop(dropped), LIVE)
        detail = words.detail.format(**words.params)
        assert "p.pdf" in detail
        assert "face" in (words.headline + detail).lower()


def test_overlay_says_where_a_text_waits() -> None:
    assert "next session" in text_for(plan_drop(text="Hello"), BEFORE).detail
    assert text_for(plan_drop(text="Hello"), LIVE).detail == ""


def test_a_folder_gives_its_sound_files_in_natural_order(tmp_path: Path) -> None:
    for name in ("take10.wav", "take2.WAV", "Take1.mp3", "notes.txt", ".hidden.wav", "film.mp4"):
        make(tmp_path, name)
    (tmp_path / "inner.wav").mkdir()
    assert [path.name for path in sounds_in(tmp_path)] == ["film.mp4", "Take1.mp3", "take2.WAV", "take10.wav"]


def test_an_empty_folder_gives_nothing(tmp_path: Path) -> None:
    assert sounds_in(tmp_path) == []


def test_names_that_say_sound() -> None:
    assert kind_by_name("x.M4A") is ItemKind.AUDIO
    assert kind_by_name("x.png") is ItemKind.FACE


def test_a_folder_and_a_drop_agree_on_what_sound_is(tmp_path: Path) -> None:
    for ending in (*sound_endings(), ".txt", ".m3u8", ".jpg", ".heic", ".mid", ".dat"):
        make(tmp_path, f"clip{ending}", bytes(100))
    alone = {path for path in tmp_path.iterdir() if find_kind(path) is ItemKind.AUDIO}
    assert {".mpc", ".m2ts", ".wav", ".mts", ".vob"} <= {path.suffix for path in alone}
    assert alone == set(sounds_in(tmp_path))
    assert {path.suffix for path in alone} == sound_endings()


def test_a_large_pasted_picture_is_made_smaller() -> None:
    picture = QImage(6000, 3000, QImage.Format.Format_RGB32)
    picture.fill(0x123456)
    assert QImage.fromData(png_bytes(picture)).size() == QSize(2048, 1024)
