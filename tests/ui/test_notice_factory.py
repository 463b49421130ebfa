"""What the model's notices say, and that their buttons do it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QApplication

from atlas_desktop.api.pricing import FALLBACK_PER_HOUR_USD
from atlas_desktop.api.source import Mode
from atlas_desktop.errors import (
    BugError,
    EndUnconfirmedError,
    MicrophoneDeniedError,
    NoKeyError,
    UnreachableError,
    UnreadableAudioError,
)
from atlas_desktop.ui.controllers.notice_factory import NoticeFactory
from atlas_desktop.ui.controllers.notices import Severity
from atlas_desktop.ui.look.amounts import hourly
from tests.ui.driven_model import DrivenModel


class Browser(QObject):
    """Stands where the system would open an address."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[QUrl] = []

    @Slot(QUrl)
    def open(self, address: QUrl) -> None:
        self.addresses.append(address)


@pytest.fixture
def words(qapp: QApplication) -> NoticeFactory:
    return NoticeFactory()


@pytest.fixture
def model(qapp: QApplication, tmp_path: Path) -> DrivenModel:
    return DrivenModel(tmp_path)


@pytest.fixture
def browser(qapp: QApplication) -> Iterator[Browser]:
    browser = Browser()
    schemes = ("file", "ms-settings", "x-apple.systempreferences")
    for scheme in schemes:
        # Declared to take bytes, yet it takes text only (PySide6 6.11).
        QDesktopServices.setUrlHandler(scheme, browser, "open")  # type: ignore[arg-type]
    yield browser
    for scheme in schemes:
        QDesktopServices.unsetUrlHandler(scheme)


def test_without_a_key_the_rehearsal_is_the_way_out(words: NoticeFactory, model: DrivenModel) -> None:
    notice = words.error(NoKeyError(), model)
    (action,) = notice.actions
    assert (action.label, action.primary) == ("Rehearse for free", True)
    action.intent()
    assert model.asked == [("rehearse",)]


def test_an_end_that_was_not_confirmed_can_be_asked_for_again(
    words: NoticeFactory, model: DrivenModel
) -> None:
    notice = words.error(EndUnconfirmedError(session_id="ses_1"), model)
    assert "ses_1" in notice.title
    notice.actions[0].intent()
    assert model.asked == [("end_again",)]


def test_a_bugs_report_goes_to_the_clipboard_without_what_is_secret(
    words: NoticeFactory, model: DrivenModel
) -> None:
    error = BugError(where="the cue strip")
    error.__cause__ = ValueError("key ak_0123456789abcdef0123456789abcdef")
    notice = words.error(error, model)
    assert notice.severity is Severity.ERROR
    assert notice.actions[0].label == "Copy report"
    notice.actions[0].intent()
    copied = QGuiApplication.clipboard().text()
    assert "ValueError" in copied
    assert "the cue strip" in copied
    assert "0123456789abcdef" not in copied


@pytest.mark.parametrize(
    ("platform", "scheme"), [("darwin", "x-apple.systempreferences"), ("win32", "ms-settings")]
)
def test_a_denied_microphone_leads_to_the_systems_settings(
    words: NoticeFactory,
    model: DrivenModel,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    scheme: str,
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    notice = words.error(MicrophoneDeniedError(), model)
    monkeypatch.undo()
    assert notice.actions[0].label == "Open system settings"
    notice.actions[0].intent()
    assert [address.scheme() for address in browser.addresses] == [scheme]


def test_where_the_system_has_no_such_page_nothing_is_offered(
    words: NoticeFactory, model: DrivenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert words.error(MicrophoneDeniedError(), model).actions == ()


def test_a_file_warns_and_a_service_alarms(words: NoticeFactory, model: DrivenModel) -> None:
    assert words.error(UnreadableAudioError(name="a.wav"), model).severity is Severity.WARN
    assert words.error(UnreachableError(host="atlas"), model).severity is Severity.ERROR


@pytest.mark.parametrize("mode", list(Mode))
def test_the_question_before_a_switch_names_mode_and_price(words: NoticeFactory, mode: Mode) -> None:
    pressed: list[bool] = []
    notice = words.switch(mode, lambda: pressed.append(True))
    assert mode.value in notice.title
    assert notice.title.startswith(notice.actions[0].label)
    assert f"{hourly(FALLBACK_PER_HOUR_USD[mode])} per hour" in notice.advice


def test_cues_that_wait_say_what_speaking_them_costs(words: NoticeFactory) -> None:
    price = hourly(FALLBACK_PER_HOUR_USD[Mode.PASSTHROUGH])
    assert f"{price} per hour" in words.cues_wait(True, lambda: None).advice
    assert "costs nothing" in words.cues_wait(False, lambda: None).advice


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a"], "a"),
        (["a", "b", "c"], "a, b, c"),
        (["a", "b", "c", "d", "e"], "a, b, c + 2"),
        (["{braces} %1 <b>"], "{braces} %1 <b>"),
    ],
)
def test_names_are_said_as_they_are_and_not_all_of_many(
    words: NoticeFactory, names: list[str], said: str
) -> None:
    assert words.not_accepted(names).title == f"Not accepted: {said}"
    assert words.no_sound_in([Path(name) for name in names]).title == f"No sound files in {said}"


def test_the_root_of_a_disk_has_a_name_too(words: NoticeFactory) -> None:
    assert words.no_sound_in([Path("/")]).title == "No sound files in /"


def test_a_saved_transcript_shows_its_folder_and_the_notice_passes(
    words: NoticeFactory, browser: Browser
) -> None:
    notice = words.saved(Path("/home/me/My talks/talk #1.txt"))
    assert notice.title == "Transcript saved as talk #1.txt"
    assert notice.advice == "/home/me/My talks"
    assert notice.lasts_s is not None
    notice.actions[0].intent()
    assert [address.toLocalFile() for address in browser.addresses] == ["/home/me/My talks"]


@pytest.mark.parametrize(
    ("error", "why"),
    [(PermissionError(13, "Permission denied"), "Permission denied"), (OSError("odd"), "odd")],
)
def test_a_transcript_that_is_not_saved_says_why_and_stays(
    words: NoticeFactory, error: OSError, why: str
) -> None:
    notice = words.not_saved(Path("/root/talk.txt"), error)
    assert notice.title == f"talk.txt can't be written: {why}"
    assert (notice.severity, notice.lasts_s) == (Severity.ERROR, None)
    assert notice.id == words.saved(Path("/home/me/talk.txt")).id


def test_settings_that_were_damaged_name_the_old_file(words: NoticeFactory) -> None:
    assert "settings.damaged.json" in words.settings_damaged(Path("/p/settings.damaged.json")).advice


def test_speech_that_is_not_heard_has_one_button(words: NoticeFactory) -> None:
    notice = words.unheard(lambda: None)
    assert [action.label for action in notice.actions] == ["Turn sound on"]
