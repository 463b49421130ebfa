"""The program under locales whose numbers, digits and direction are others: what is shown, typed and kept.

The other tests run in the locale that ``--locale`` names; here are the rest in short.
"""

import json
import time
from pathlib import Path

import pytest

from tests.desk.languages import with_locale
from tests.e2e.accessibility import poll
from tests.e2e.program import Window
from tests.e2e.stage import Stage

LIMIT = "A session costs at most"
# WebRTC's statistics are formatted some 6 s into a session.
STATISTICS_S = 10.0


def locale_env(desk: Stage, name: str) -> dict[str, str]:
    """The desk for a user with that locale; one that nobody has installed is only named."""
    is_known = name in ("C", "ar_EG.UTF-8", "fa_IR.UTF-8", "de_CH.UTF-8")
    return with_locale(desk.env, name) if is_known else {**desk.env, "LANG": name, "LC_ALL": name}


def kept(folder: Path, name: str) -> object:
    file = folder / "profile" / "settings.json"
    return json.loads(file.read_text("utf-8")).get(name) if file.exists() else None


def shown_limit(program: Window) -> str:
    program.screen.press("Settings")
    field = program.screen.wait("spin box", LIMIT)
    shown = field.text
    field.focus()
    return shown


def type_limit(desk: Stage, program: Window, text: str) -> None:
    desk.hands.copy(text)
    program.screen.press("Settings")
    field = program.screen.wait("spin box", LIMIT)
    field.focus()
    assert poll(lambda: field.focused, 5)
    desk.hands.key("ctrl+a", "ctrl+v")
    assert poll(lambda: text in field.text, 5), field.text
    program.screen.press("Done")


@pytest.mark.parametrize(
    ("name", "shown", "typed"),
    [
        ("ar_EG.UTF-8", "٥٫٠٠\u00a0$", "٢٫٥٠"),
        ("C", "$5.00", "2.50"),
        ("de_XX.UTF-8", "5,00\u00a0$", "2,50"),
        ("no such locale/%s", "$5.00", "2,50"),
    ],
)
def test_a_rehearsal_with_statistics_and_amounts_in_any_locale(
    desk: Stage, name: str, shown: str, typed: str
) -> None:
    folder = desk.new_folder("locale")
    with desk.open(folder=folder, env=locale_env(desk, name)) as program:
        assert shown_limit(program) == shown
        # Left alone, it stays what it was.
        program.screen.press("Done")
        program.screen.wait_gone("push button", "Done")
        assert kept(folder, "limit_session_usd") in (None, 5.0)
        program.screen.press("Rehearse")
        program.wait_state("Live")
        live_s = time.monotonic()
        program.screen.press("Statistics")
        assert poll(lambda: time.monotonic() - live_s > STATISTICS_S or program.process.poll(), 30)
        assert program.process.poll() is None
        program.wait_transcript(r"^Atlas, \d\d:\d\d, Hi\b")
        program.screen.wait("label", r"Latency: \d+ ms")
        program.end_session()
        program.back_to_start()
        type_limit(desk, program, typed)
        assert poll(lambda: kept(folder, "limit_session_usd") == 2.5, 5), kept(folder, "limit_session_usd")
        program.screen.press("Settings")
        program.screen.press("Sessions and cost")
        program.screen.wait("dialog", "Sessions and cost")
