"""After a crash: what is offered, what each button gives back, and what is kept meanwhile."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QApplication

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.guard_protocol import EndReason
from atlas_desktop.api.source import EndReceipt, Mode, SessionGrant
from atlas_desktop.cues.player import CuePlayer
from atlas_desktop.storage.billing_entry import asked, ended, granted
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.last_run import RunMark, StoppedRun
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.transcripts import SavedMessage, TranscriptJournal
from atlas_desktop.storage.work import Clip, Work, WorkStore
from atlas_desktop.ui.controllers.notice_factory import stopped_report
from atlas_desktop.ui.controllers.notices import Notice
from atlas_desktop.ui.controllers.recovery_controller import STOPPED, UNSAVED, RecoveryController
from atlas_desktop.ui.model_signals import ModelSignals
from tests.unit.cues.stand_ins import FakeSpeaker, NamedReader, look_at
from tests.unit.session.fakes import settle

MOMENT = datetime(2020, 11, 24, 14, 2).astimezone()
LIMIT_S = 10.0
KEY = "ak_live_1234567890"


@dataclass
class Bench:
    """A controller on a profile in which a run has died."""

    profile: Profile
    scope: TaskScope
    stopped: StoppedRun | None = None
    trouble: OSError | None = None
    is_ours: bool = True
    notices: dict[str, Notice] = field(default_factory=dict)
    offered: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.player = CuePlayer(FakeSpeaker(), self.scope, open_clip=NamedReader, probe_clip=look_at)
        self.store = WorkStore(self.profile.work_file, write_after_s=0.001)
        self.model = ModelSignals()
        self.billing = BillingJournal(self.profile.billing_journal)
        self.model.notice_raised.connect(self._take)
        self.model.notice_changed.connect(self._take)
        self.model.text_offered.connect(self.offered.append)
        mark = RunMark(self.profile)
        mark.stopped, mark.trouble, mark.is_ours = self.stopped, self.trouble, self.is_ours
        self.recovery = RecoveryController(
            self.model, self.player, mark, self.store, self.billing, self.scope
        )
        self.recovery.open()

    def _take(self, notice: Notice) -> None:
        self.notices[notice.id] = notice

    def labels(self) -> list[str]:
        return [action.label for action in self.notices[STOPPED].actions]

    def press(self, label: str) -> None:
        notice = self.notices.pop(STOPPED)
        next(action for action in notice.actions if action.label == label).intent()


class Opener(QObject):
    """Stands for the programs of the desktop."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    @Slot(QUrl)
    def open(self, address: QUrl) -> None:
        self.names.append(address.fileName())


@pytest.fixture(autouse=True)
def opener(qapp: QApplication) -> Iterator[Opener]:
    opener = Opener()
    # Declared to take bytes, yet it takes text only (PySide6 6.11).
    QDesktopServices.setUrlHandler("file", opener, "open")  # type: ignore[arg-type]
    yield opener
    QDesktopServices.unsetUrlHandler("file")


@pytest.fixture
async def profile(tmp_path: Path) -> Profile:
    """In which a run has left its work."""
    profile = Profile(tmp_path, "test")
    store = WorkStore(profile.work_file, write_after_s=0.001)
    store.keep(clips=[Clip("/a/b.wav", 10.0), Clip("/a/a.wav")], draft="half a")
    await settle(lambda: bool(written(profile).clips), LIMIT_S)
    return profile


def written(profile: Profile) -> Work:
    return WorkStore(profile.work_file).read()


def died(journal: Path | None = None) -> StoppedRun:
    return StoppedRun(
        "0.9", MOMENT - timedelta(hours=1), MOMENT, "Fatal Python error", f"x {KEY}\nlast", journal
    )


def bill(profile: Profile, began: datetime, why: EndReason, charged_usd: float | None) -> None:
    """Write a session of twelve minutes into the billing journal."""
    journal = BillingJournal(profile.billing_journal)
    record = asked("guard", "atlas", "https://api.example", KEY, Mode.CONVERSATION, began)
    grant = SessionGrant("sess-1", "wss://room.example", "t", Mode.CONVERSATION, price_per_hour_usd=10.0)
    receipt = EndReceipt("sess-1", confirmed=True, cost_usd=charged_usd, duration_s=723.0)
    journal.append(record)
    journal.append(granted(str(record["key"]), grant, began))
    journal.append(ended(str(record["key"]), receipt, why, 2.01, began + timedelta(minutes=12)))


async def test_a_crash_is_said_with_what_was_kept(profile: Profile) -> None:
    bench = Bench(profile, TaskScope("test"), died())
    notice = bench.notices[STOPPED]
    assert notice.title == "Atlas Desktop stopped unexpectedly at 11/24/20 14:02"
    assert notice.advice.startswith("2 clips that were in the strip were kept.")
    assert bench.labels() == ["Restore cues", "Copy report"]
    assert bench.offered == ["half a"]
    await bench.scope.aclose()


@pytest.mark.parametrize(
    ("charged_usd", "words"),
    [
        (0.25, "ended after 12 min 03 s and cost $0.25."),
        (None, "ended after 12 min 03 s and cost about $2.01."),
    ],
)
async def test_what_the_session_has_cost_is_said(
    profile: Profile, charged_usd: float | None, words: str
) -> None:
    await asyncio.to_thread(bill, profile, MOMENT - timedelta(minutes=13), EndReason.APP_GONE, charged_usd)
    bench = Bench(profile, TaskScope("test"), died())
    await settle(lambda: "Its session" in bench.notices[STOPPED].advice, LIMIT_S)
    assert bench.notices[STOPPED].advice.startswith(f"Its session was {words} 2 clips")
    await bench.scope.aclose()


@pytest.mark.parametrize(
    ("began", "why"),
    [(MOMENT - timedelta(hours=2), EndReason.APP_GONE), (MOMENT - timedelta(minutes=13), EndReason.ASKED)],
)
async def test_a_session_of_another_run_or_ended_before_is_not_its_own(
    profile: Profile, began: datetime, why: EndReason
) -> None:
    await asyncio.to_thread(bill, profile, began, why, 0.25)
    bench = Bench(profile, TaskScope("test"), died())
    await bench.scope.join(LIMIT_S)
    assert "session" not in bench.notices[STOPPED].advice
    await bench.scope.aclose()


async def test_cues_come_back_in_order_and_are_kept_again(profile: Profile) -> None:
    bench = Bench(profile, TaskScope("test"), died())
    bench.press("Restore cues")
    assert [(str(cue.path), cue.position_s) for cue in bench.player.cues] == [
        ("/a/b.wav", 10.0),
        ("/a/a.wav", 0.0),
    ]
    assert bench.labels() == ["Copy report"]
    await settle(lambda: written(profile).clips == (Clip("/a/b.wav", 10.0), Clip("/a/a.wav")), LIMIT_S)
    await bench.scope.aclose()


async def test_what_was_not_given_back_yet_survives_a_second_crash(profile: Profile) -> None:
    bench = Bench(profile, TaskScope("test"), died())
    # The offered text stands in the message box, and another clip was dropped before the program died again.
    bench.recovery.note_draft("half a message")
    bench.player.add([Path("/b/new.wav")])
    expected = Work((Clip("/a/b.wav", 10.0), Clip("/a/a.wav"), Clip("/b/new.wav")), "half a message")
    await settle(lambda: written(profile) == expected, LIMIT_S)
    again = Bench(profile, TaskScope("test"), died())
    assert again.notices[STOPPED].advice.startswith("3 clips that were in the strip were kept.")
    assert again.offered == ["half a message"]
    for one in (bench, again):
        await one.scope.aclose()


async def test_the_report_holds_stacks_and_log_but_no_secret(profile: Profile) -> None:
    bench = Bench(profile, TaskScope("test"), died())
    bench.press("Copy report")
    text = QGuiApplication.clipboard().text()
    assert text == stopped_report(died())
    assert "Atlas Desktop 0.9" in text
    assert "Fatal Python error" in text
    assert KEY not in text
    assert text.endswith("last\n")
    await bench.scope.aclose()


async def test_the_transcript_is_opened_in_readable_form(profile: Profile, opener: Opener) -> None:
    journal = TranscriptJournal(profile.transcripts_folder)
    journal.note(SavedMessage("1", "user", "Hello", True, 0))
    journal.close()
    bench = Bench(profile, TaskScope("test"), died(journal.path))
    bench.press("Open transcript")
    await settle(lambda: "transcript_saved" in bench.notices, LIMIT_S)
    assert "You: Hello" in journal.path.with_suffix(".txt").read_text("utf-8")
    assert opener.names == [journal.path.with_suffix(".txt").name]
    assert "Open transcript" not in bench.labels()
    await bench.scope.aclose()


async def test_a_transcript_that_is_gone_is_said(profile: Profile) -> None:
    bench = Bench(profile, TaskScope("test"), died(profile.transcripts_folder / "gone.jsonl"))
    bench.press("Open transcript")
    await settle(lambda: "transcript_saved" in bench.notices, LIMIT_S)
    assert "can't be written" in bench.notices["transcript_saved"].title
    await bench.scope.aclose()


async def test_a_run_after_a_clean_end_says_nothing_and_leaves_nothing(profile: Profile) -> None:
    bench = Bench(profile, TaskScope("test"))
    assert (bench.notices, bench.offered) == ({}, [])
    bench.recovery.note_draft("typing")
    await settle(lambda: written(profile) == Work(draft="typing"), LIMIT_S)
    await bench.recovery.aclose()
    assert not profile.work_file.exists()


async def test_a_disk_that_is_silent_at_the_end_holds_up_nothing(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session that costs money is ended behind it."""
    writes, answers = threading.Event(), threading.Event()

    def write_slowly(_path: Path, _text: str) -> None:
        writes.set()
        assert answers.wait(20)

    bench = Bench(profile, TaskScope("test"))
    monkeypatch.setattr("atlas_desktop.storage.atomic.write_text", write_slowly)
    bench.recovery.note_draft("typing")
    assert await asyncio.to_thread(writes.wait, LIMIT_S)
    try:
        bench.recovery.stop()
        async with asyncio.timeout(LIMIT_S):
            await bench.recovery.aclose()
    finally:
        answers.set()


async def test_a_second_window_of_the_profile_leaves_the_firsts_work_alone(profile: Profile) -> None:
    before = profile.work_file.read_bytes()
    bench = Bench(profile, TaskScope("test"), is_ours=False)
    bench.recovery.note_draft("typing")
    bench.player.restore([(Path("/c.wav"), 0.0)])
    await bench.recovery.aclose()
    assert profile.work_file.read_bytes() == before
    await bench.scope.aclose()


async def test_where_nothing_can_be_saved_that_is_said_once(profile: Profile) -> None:
    bench = Bench(profile, TaskScope("test"), trouble=OSError(28, "No space left on device"))
    assert bench.notices[UNSAVED].title == "Nothing can be saved (No space left on device)"
