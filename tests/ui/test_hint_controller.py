"""Notices that come and go by themselves: once when their reason begins, gone when it ends."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.cues.queue import Cue, CueState
from atlas_desktop.errors import AppError, EndUnconfirmedError, NoMicrophoneError, RoomLostError
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Ended, Failed, Live, Parked, Summary, Waiting
from atlas_desktop.ui.controllers.hint_controller import HintController
from atlas_desktop.ui.controllers.notice_factory import NoticeFactory
from atlas_desktop.ui.controllers.notices import Notice, notice_of
from tests.ui.driven_model import DrivenModel

GRANT = SessionGrant("ses_0123456789abcdef0123", "wss://example.com", "token")
LIVE = SessionSnapshot(state=Live(GRANT), mode=Mode.CONVERSATION)
SUMMARY = Summary(GRANT.session_id, Mode.CONVERSATION, True, 12.0, 0.02)
WAITING = Cue(1, Path("a.wav"), "a.wav")
UNCONFIRMED = notice_of(EndUnconfirmedError(session_id=GRANT.session_id))


class HintBench:
    """HintController on a model, and the notices that they raise."""

    def __init__(self, folder: Path) -> None:
        self.model = DrivenModel(folder)
        self.playout = self.model.service.playout
        self.said: list[str] = []
        self.notices: dict[str, Notice] = {}
        self.model.notice_raised.connect(self.take)
        self.model.notice_cleared.connect(lambda notice_id: self.notices.pop(notice_id, None))
        self.hints = HintController(self.model, NoticeFactory(), self.playout)

    def take(self, notice: Notice) -> None:
        self.said.append(notice.id)
        self.notices[notice.id] = notice


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> HintBench:
    return HintBench(tmp_path)


def test_cues_that_wait_in_a_conversation_are_said_once(bench: HintBench) -> None:
    for _ in range(3):
        bench.hints.follow_cues(LIVE, [WAITING])
    assert bench.said == ["cues_wait"]
    bench.notices["cues_wait"].actions[0].intent()
    assert bench.model.asked == [("switch_mode", Mode.PASSTHROUGH)]


@pytest.mark.parametrize(
    ("snapshot", "cue"),
    [
        (replace(LIVE, mode=Mode.PASSTHROUGH), WAITING),
        (replace(LIVE, state=Waiting(GRANT)), WAITING),
        (SessionSnapshot(), WAITING),
        (LIVE, replace(WAITING, state=CueState.DONE)),
        (LIVE, replace(WAITING, state=CueState.FAILED)),
        (LIVE, replace(WAITING, state=CueState.MISSING)),
    ],
)
def test_cues_that_do_not_wait_for_a_switch_say_nothing(
    bench: HintBench, snapshot: SessionSnapshot, cue: Cue
) -> None:
    bench.hints.follow_cues(snapshot, [cue])
    assert bench.said == []


def test_the_hint_goes_with_the_last_waiting_cue_and_comes_with_the_next(bench: HintBench) -> None:
    bench.hints.follow_cues(LIVE, [WAITING])
    bench.hints.follow_cues(LIVE, [])
    assert bench.notices == {}
    bench.hints.follow_cues(LIVE, [WAITING])
    assert bench.said == ["cues_wait", "cues_wait"]


def test_what_is_given_later_is_said_again_for_the_first_may_have_been_closed(bench: HintBench) -> None:
    bench.hints.follow_cues(LIVE, [WAITING])
    bench.hints.follow_cues(LIVE, [WAITING, replace(WAITING, id=2)])
    bench.hints.follow_cues(LIVE, [replace(WAITING, id=2)])
    assert bench.said == ["cues_wait", "cues_wait"]


@pytest.mark.parametrize("billed", [True, False])
def test_the_hint_says_what_the_switch_costs(bench: HintBench, billed: bool) -> None:
    bench.hints.follow_cues(replace(LIVE, billed=billed), [WAITING])
    assert ("$" in bench.notices["cues_wait"].advice) == billed


@pytest.mark.parametrize(("volume", "muted"), [(0, False), (80, True), (0, True)])
def test_speech_that_is_not_heard_is_said_once_and_the_button_turns_it_on(
    bench: HintBench, volume: int, muted: bool
) -> None:
    bench.playout.volume, bench.playout.muted = volume, muted
    bench.hints.follow_sound(LIVE)
    assert bench.said == []
    for _ in range(3):
        bench.hints.follow_sound(replace(LIVE, speaking=True))
        # A pause in its speech is no reason to take it back.
        bench.hints.follow_sound(LIVE)
    assert bench.said == ["unheard"]
    bench.notices["unheard"].actions[0].intent()
    assert (bench.playout.volume, bench.playout.muted) == (80, False)
    bench.hints.follow_sound(LIVE)
    assert bench.notices == {}


def test_a_volume_that_was_chosen_stays_when_only_mute_is_lifted(bench: HintBench) -> None:
    bench.playout.volume, bench.playout.muted = 35, True
    bench.hints.follow_sound(replace(LIVE, speaking=True))
    bench.notices["unheard"].actions[0].intent()
    assert (bench.playout.volume, bench.playout.muted) == (35, False)


@pytest.mark.parametrize("life", [Ended(SUMMARY), Parked(SUMMARY), Failed(RoomLostError(), None, SUMMARY)])
def test_silence_is_no_trouble_once_the_session_is_over(
    bench: HintBench, life: Ended | Parked | Failed
) -> None:
    bench.playout.muted = True
    bench.hints.follow_sound(replace(LIVE, speaking=True))
    bench.hints.follow_sound(replace(LIVE, state=life))
    assert bench.notices == {}


def unconfirmed(error: AppError | None = None) -> SessionSnapshot:
    open_summary = replace(SUMMARY, confirmed=False)
    life = Failed(error, GRANT.session_id, open_summary) if error else Ended(open_summary)
    return SessionSnapshot(state=life)


@pytest.mark.parametrize("error", [None, RoomLostError()])
def test_an_end_confirmed_late_takes_its_notice_back(bench: HintBench, error: AppError | None) -> None:
    bench.hints.follow_end(unconfirmed(error))
    bench.take(UNCONFIRMED)
    bench.hints.follow_end(SessionSnapshot(state=Ended(SUMMARY)))
    assert bench.notices == {}


def test_the_end_of_another_session_says_nothing_about_the_first(bench: HintBench) -> None:
    bench.hints.follow_end(unconfirmed())
    bench.take(UNCONFIRMED)
    bench.hints.follow_end(SessionSnapshot(state=Ended(replace(SUMMARY, session_id="ses_other"))))
    assert bench.notices == {"end_unconfirmed": UNCONFIRMED}


def test_a_missing_microphone_is_no_trouble_once_the_session_is_over(bench: HintBench) -> None:
    bench.take(notice_of(NoMicrophoneError()))
    bench.hints.follow_end(LIVE)
    assert list(bench.notices) == ["no_microphone"]
    bench.hints.follow_end(SessionSnapshot())
    assert bench.notices == {}


@pytest.mark.parametrize(
    ("mode", "code"), [(Mode.CONVERSATION, "microphone_muted"), (Mode.PASSTHROUGH, "speech_muted")]
)
def test_a_room_that_mutes_us_is_said_until_it_is_over(bench: HintBench, mode: Mode, code: str) -> None:
    muted = replace(LIVE, mode=mode, voice_muted=True)
    bench.hints.follow_voice(replace(LIVE, mode=mode))
    for _ in range(2):
        bench.hints.follow_voice(muted)
    assert bench.said == [code]
    bench.notices[code].actions[0].intent()
    assert bench.model.asked == [("unmute",)]
    bench.hints.follow_voice(replace(muted, voice_muted=False))
    assert bench.notices == {}
    bench.hints.follow_voice(muted)
    bench.hints.follow_voice(SessionSnapshot(state=Ended(SUMMARY)))
    assert bench.notices == {}
