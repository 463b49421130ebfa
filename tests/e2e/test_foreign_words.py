"""A file with the worst of names, as a screen reader, a notice and the log have it."""

from tests.e2e.accessibility import poll
from tests.e2e.sounds import make_tone
from tests.e2e.stage import Stage

READ = 'Q&A <img src="x.png"><b>x &lt; y'
NAME = READ + "\u202e\x1b[31m\n2026-01-01 00:00:00,000 ERROR root: forged \u05d0"


def test_a_names_words_are_shown_and_do_nothing(desk: Stage) -> None:
    folder = desk.new_folder("names")
    sound = make_tone(folder / f"{NAME}.wav".replace("/", "-"), 600, 0.5)
    broken = folder / f"{NAME}.mp3"
    broken.write_bytes(b"no sound at all" * 100)
    with desk.open(str(sound), str(broken)) as program:
        assert poll(lambda: len(program.cues()) == 2, 20)
        program.wait_cue(r"failed$")
        for name in (*program.cues(), program.wait_notice("forged")):
            assert READ in name
            assert not set("\n\x1b\u202e") & set(name)
        # It is made with its first line.
        assert poll(program.log.exists, 20)
        lines = program.log.read_text(encoding="utf-8").splitlines()
        assert all(line.isprintable() and not line.startswith("2026-01-01") for line in lines)
