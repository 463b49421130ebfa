"""After a crash: offers the report, the transcript and the work in progress of the run before."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QGuiApplication

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.guard_protocol import EndReason
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
from atlas_desktop.ui.controllers.notice_factory import NoticeFactory, stopped_report
from atlas_desktop.ui.controllers.notices import Notice, NoticeAction, Severity
from atlas_desktop.ui.look.amounts import duration_words, fill, money, recent
from atlas_desktop.ui.look.plain_text import name_in_text
from atlas_desktop.ui.model_signals import ModelSignals
from atlas_desktop.ui.opener import open_address

log = logging.getLogger(__name__)

STOPPED = "stopped_unexpectedly"
UNSAVED = "nothing_saved"
_REMOVAL_LIMIT_S = 1.0
_ENDED_FOR_US = (EndReason.APP_GONE, EndReason.HANG, EndReason.GUARD_TOLD, EndReason.LEFT_OPEN)
"""Reasons for which the guard ends a session that its user has not ended."""
_POSITION_STEP_S = 5.0
"""The position in a long clip is stored at this resolution while it is spoken."""


class RecoveryController(QObject):
    """Stores the work in progress of this run, and offers that of the run before. Thread: the UI's.

    Args:
        model: Receives notices and the restored draft.
        player: Its clips are stored; those of the run before are restored into it.
        mark: What the run before left behind.
        store: Stores the work.
        billing: Tells what the session of the run before has cost.
        scope: Owns the tasks that read that, and that write a transcript.
    """

    def __init__(
        self,
        model: ModelSignals,
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
        self._factory = NoticeFactory(self)
        self._stopped = mark.stopped
        # Read before anything of this run overwrites it.
        self._work = store.read() if mark.stopped is not None else Work()
        self._journal = mark.stopped.journal if mark.stopped is not None else None
        self._was_copied = False
        if mark.is_ours:
            store.keep(clips=self._work.clips, draft=self._work.draft)
            player.on_change(self._note_cues)

    def open(self) -> None:
        """Offer what the run before left, once; warn if nothing can be stored."""
        if self._mark.trouble is not None:
            self._model.notice_raised.emit(self._unsaved(self._mark.trouble))
        if self._stopped is not None:
            self._offer(self._stopped)
            self._scope.start(self._add_cost(self._stopped), "cost of the stopped run")
            if self._work.draft.strip():
                self._model.text_offered.emit(self._work.draft)

    def stop(self) -> None:
        """Stop storing: the run ends normally."""
        self._store.stop()

    async def aclose(self) -> None:
        """Clear the stored work, so that the next run restores nothing; bounded, if the disk is silent."""
        self.stop()
        if self._mark.is_ours:
            with suppress(TimeoutError):
                async with asyncio.timeout(_REMOVAL_LIMIT_S):
                    await asyncio.to_thread(self._store.close)

    @Slot(str)
    def note_draft(self, text: str) -> None:
        """Store the text of the message box."""
        if self._mark.is_ours:
            self._store.keep(draft=text)

    def _note_cues(self, cues: Sequence[Cue]) -> None:
        waiting = (cue for cue in cues if not cue.state.is_over)
        ours = (Clip(str(cue.path), _coarse(cue.position_s)) for cue in waiting)
        # Clips that were offered and not taken yet stay stored: this run may crash as well.
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
        """Write the transcript in readable form beside its journal, and open it."""
        place = journal.with_suffix(".txt")
        try:
            await asyncio.to_thread(_write_readable, journal, place)
        except OSError as error:
            self._model.notice_raised.emit(self._factory.not_saved(place, error))
        else:
            open_address(QUrl.fromLocalFile(str(place)))
            # If no program opens it, the notice says where it is.
            self._model.notice_raised.emit(self._factory.saved(place))


def _session_of(stopped: StoppedRun, entries: Sequence[BillingEntry]) -> BillingEntry | None:
    """The session that was open when the run stopped, if it is over and its cost is known."""
    during = (entry for entry in entries if stopped.began <= entry.asked_at <= stopped.last_seen)
    newest = max(during, key=lambda entry: entry.asked_at, default=None)
    if newest is None or newest.outcome is not Outcome.ENDED or newest.cost_usd is None:
        return None
    return newest if newest.why in _ENDED_FOR_US else None


def _write_readable(journal: Path, place: Path) -> None:
    # In our own folder: private, unlike a file saved where the user chose.
    atomic.write_text(place, format_text(read_journal(journal)))


def _coarse(position_s: float) -> float:
    return position_s // _POSITION_STEP_S * _POSITION_STEP_S
