"""After a crash: says what happened, and gives back the report, the transcript and the work in hand."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QGuiApplication

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.orders import Why
from atlas_desktop.cues.player import CuePlayer
from atlas_desktop.cues.queue import Cue
from atlas_desktop.errors import AppError
from atlas_desktop.files import FileThreads
from atlas_desktop.storage import atomic
from atlas_desktop.storage.billing_entry import BillingEntry, Outcome
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.last_run import RunMark, StoppedRun
from atlas_desktop.storage.transcripts import format_text, read_journal
from atlas_desktop.storage.work import Clip, Work, WorkStore
from atlas_desktop.ui.desks.notices import Notice, NoticeAction, Severity
from atlas_desktop.ui.desks.reports import stopped_report
from atlas_desktop.ui.desks.words import Words
from atlas_desktop.ui.look.amounts import duration_words, fill, money, recent
from atlas_desktop.ui.opener import open_address
from atlas_desktop.ui.talk.plain_text import name_in_text
from atlas_desktop.ui.telling import Telling

log = logging.getLogger(__name__)

STOPPED = "stopped_unexpectedly"
UNSAVED = "nothing_saved"
_REMOVAL_LIMIT_S = 1.0
_ENDED_FOR_US = (Why.APP_GONE, Why.HANG, Why.GUARD_TOLD, Why.LEFT_OPEN)
"""Reasons for which the guard ends a session that its user has not ended."""
_POSITION_STEP_S = 5.0
"""So often the place in a long clip is written while it is spoken."""


class RecoveryController(QObject):
    """Keeps the work in hand of this run, and offers that of the run before. Thread: the UI's.

    Args:
        model: Notices go there, and the text that was being typed.
        player: Its clips are kept, and get back those of the run before.
        mark: What the run before has left.
        store: Holds the work.
        billing: Says what the session of the run before has cost.
        scope: Owns the reading, and the saving of a transcript.
    """

    def __init__(
        self,
        model: Telling,
        player: CuePlayer,
        mark: RunMark,
        store: WorkStore,
        billing: BillingJournal,
        scope: TaskScope,
    ) -> None:
        super().__init__(model)
        self._model = model
        self._player = player
        self._mark = mark
        self._store = store
        self._billing = billing
        self._files = FileThreads("recovery")
        self._cost = ""
        self._scope = scope
        self._words = Words(self)
        self._stopped = mark.stopped
        # Before anything of this run is written in its place.
        self._work = store.read() if mark.stopped is not None else Work()
        self._journal = mark.stopped.journal if mark.stopped is not None else None
        self._was_copied = False
        if mark.is_ours:
            store.keep(clips=self._work.clips, draft=self._work.draft)
            player.on_change(self._note_cues)

    def open(self) -> None:
        """Says what the run before has left, once, and that nothing can be kept where that is so."""
        if self._mark.trouble is not None:
            self._model.notice_raised.emit(self._unsaved(self._mark.trouble))
        if self._stopped is not None:
            self._offer(self._stopped)
            self._scope.start(self._add_cost(self._stopped), "cost of the stopped run")
            if self._work.draft.strip():
                self._model.text_offered.emit(self._work.draft)

    def stop(self) -> None:
        """The run comes to its end: what goes now was not lost."""
        self._store.stop()

    async def aclose(self) -> None:
        """Nothing is to be given back to the next run; a disk that does not answer is not waited for."""
        self.stop()
        if self._mark.is_ours:
            with suppress(TimeoutError):
                async with asyncio.timeout(_REMOVAL_LIMIT_S):
                    await asyncio.to_thread(self._store.close)

    @Slot(str)
    def note_draft(self, text: str) -> None:
        """Keeps what stands in the message box."""
        if self._mark.is_ours:
            self._store.keep(draft=text)

    def _note_cues(self, cues: Sequence[Cue]) -> None:
        waiting = (cue for cue in cues if not cue.state.is_over)
        ours = (Clip(str(cue.path), _coarse(cue.position_s)) for cue in waiting)
        # What is offered and not taken yet stays in hand: this run may die as well.
        self._store.keep(clips=[*self._work.clips, *ours])

    async def _add_cost(self, stopped: StoppedRun) -> None:
        """Add to the notice what the session has cost that the guard ended when the run stopped."""
        try:
            entries = await self._files.call(self._billing.file, self._billing.entries)
        except AppError as error:
            log.info("what the stopped run has cost can't be read: %s", error)
            return
        session = _session_of(stopped, entries)
        if session is None:
            return
        lasted = duration_words(session.running_s(stopped.last_seen))
        if session.charged_usd is not None:
            words = self.tr("Its session was ended after {time} and cost {cost}.")
        else:
            words = self.tr("Its session was ended after {time} and cost about {cost}.")
        self._cost = words.format(time=lasted, cost=money(session.cost_usd or 0.0))
        notice = self._notice(stopped)
        if notice is not None:
            self._model.notice_changed.emit(notice)

    def _offer(self, stopped: StoppedRun) -> None:
        notice = self._notice(stopped)
        if notice is not None:
            self._model.notice_raised.emit(notice)

    def _notice(self, stopped: StoppedRun) -> Notice | None:
        """What happened, and what is left to be taken; ``None`` when all was."""
        actions = []
        if self._work.clips:
            actions.append(NoticeAction(self.tr("Restore cues"), self._restore_cues, primary=True))
        if self._journal is not None:
            actions.append(NoticeAction(self.tr("Open transcript"), self._open_transcript))
        if not self._was_copied:
            actions.append(NoticeAction(self.tr("Copy report"), self._copy_report))
        if not actions:
            return None
        title = self.tr("Atlas Desktop stopped unexpectedly at {time}").format(time=recent(stopped.last_seen))
        return Notice(STOPPED, Severity.WARN, title, self._kept(), tuple(actions))

    def _kept(self) -> str:
        kept = [self._cost] if self._cost else []
        if len(self._work.clips) == 1:
            kept.append(self.tr("A clip that was in the strip was kept."))
        elif self._work.clips:
            words = self.tr("{count} clips that were in the strip were kept.")
            kept.append(fill(words, count=len(self._work.clips)))
        if self._work.draft.strip():
            kept.append(self.tr("What you were typing is in the message box."))
        if self._store.moved_aside is not None:
            words = self.tr("The strip and what was typed could not be read; they are kept as {name}.")
            kept.append(words.format(name=name_in_text(self._store.moved_aside.name)))
        return " ".join(kept)

    def _unsaved(self, error: OSError) -> Notice:
        title = self.tr("Nothing can be saved ({why})").format(why=error.strerror or error)
        advice = self.tr("Settings, transcripts and the strip hold for this run only.")
        return Notice(UNSAVED, Severity.WARN, title, advice)

    def _restore_cues(self) -> None:
        clips, self._work = self._work.clips, Work()
        self._player.restore([(Path(clip.path), clip.position_s) for clip in clips])
        self._offer_rest()

    def _copy_report(self) -> None:
        if self._stopped is not None:
            QGuiApplication.clipboard().setText(stopped_report(self._stopped))
        self._was_copied = True
        self._offer_rest()

    def _open_transcript(self) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            self._scope.start(self._show(journal), "open transcript")
        self._offer_rest()

    def _offer_rest(self) -> None:
        if self._stopped is not None:
            self._offer(self._stopped)

    async def _show(self, journal: Path) -> None:
        """Writes the transcript in readable form beside its journal, and opens it."""
        place = journal.with_suffix(".txt")
        try:
            await asyncio.to_thread(_write_readable, journal, place)
        except OSError as error:
            self._model.notice_raised.emit(self._words.not_saved(place, error))
        else:
            open_address(QUrl.fromLocalFile(str(place)))
            # Where nothing opens it, this says where it lies.
            self._model.notice_raised.emit(self._words.saved(place))


def _session_of(stopped: StoppedRun, entries: Sequence[BillingEntry]) -> BillingEntry | None:
    """The session that was open when the run stopped, if it is over and its cost is known."""
    during = (entry for entry in entries if stopped.began <= entry.asked_at <= stopped.last_seen)
    newest = max(during, key=lambda entry: entry.asked_at, default=None)
    if newest is None or newest.outcome is not Outcome.ENDED or newest.cost_usd is None:
        return None
    return newest if newest.why in _ENDED_FOR_US else None


def _write_readable(journal: Path, place: Path) -> None:
    # In our own folder: private, unlike what is saved where the user says.
    atomic.write_text(place, format_text(read_journal(journal)))


def _coarse(position_s: float) -> float:
    return position_s // _POSITION_STEP_S * _POSITION_STEP_S
