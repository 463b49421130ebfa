import pytest

from atlas_desktop.__main__ import main
from tests.unit.sessions_cli.desk import Desk, look


@pytest.mark.parametrize(
    "text", ["ses_1", "SES_" + "0" * 20, "ses_" + "g" * 20, "https://x", "ak_pasted_by_mistake"]
)
def test_what_is_no_id_is_wrong_usage(desk: Desk, text: str) -> None:
    done = desk.run("end", text)
    assert (done.status, done.complaints.count("\n")) == (2, 1)
    assert "no session ID" in done.complaints
    assert "pasted_by_mistake" not in done.complaints


@pytest.mark.parametrize(
    "words",
    [
        ["end"],
        ["forget"],
        ["list", "x"],
        ["end", "x", "--all"],
        ["list", "--all"],
        ["begin"],
        ["end", "x", "y"],
        ["--backend", "https://x"],
    ],
)
def test_wrong_usage_is_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["sessions", *words])
    assert stop.value.code == 2
    assert "usage: atlas-desktop sessions" in capsys.readouterr().err


def test_help_answers_without_anything_heavy() -> None:
    assert look("sessions --help", "'PySide6', 'qasync', 'livekit', 'httpx', 'asyncio', 'keyring'") == "0 []"
