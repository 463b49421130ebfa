"""A room that floods: what it says comes to be seen, and the window answers meanwhile."""

import asyncio
import time
from collections.abc import Iterable

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from atlas_desktop.session.room_monitor import RoomMonitor
from atlas_desktop.session.segment_stream import LONGEST_MESSAGE
from atlas_desktop.session.transcript import MOST_MESSAGES
from atlas_desktop.storage.transcripts import read_journal
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.talk.message_list import MessageList
from atlas_desktop.ui.talk.transcript_model import TranscriptModel
from atlas_desktop.ui.talk.transcript_pane import TranscriptPane
from tests.ui.model_bench import ModelBench, go_live
from tests.unit.session.fakes import settle

SEGMENTS = 83_000
STREAM_BYTES = 290_000
# What the thread may compute between two chances for others; `no_stall` looks at each callback.
SLICE_S = 0.02


@pytest.fixture
def pane(keyed: ModelBench, theme: Theme, qtbot: QtBot, qapp: QApplication) -> TranscriptPane:
    pane = TranscriptPane(keyed.model, theme)
    qtbot.addWidget(pane)
    pane.resize(320, 600)
    pane.show()
    return pane


class Pace:
    """Lets others have their turn, as the SDK's thread does."""

    def __init__(self) -> None:
        self._began_s = time.thread_time()

    async def rest(self) -> None:
        if time.thread_time() - self._began_s > SLICE_S:
            await asyncio.sleep(0)
            self._began_s = time.thread_time()


def listener_of(bench: ModelBench) -> RoomMonitor:
    return bench.room.room.listener


def list_of(pane: TranscriptPane) -> MessageList:
    found = pane.findChild(MessageList)
    assert found is not None
    return found


def rows_of(pane: TranscriptPane) -> TranscriptModel:
    rows = list_of(pane).model()
    assert isinstance(rows, TranscriptModel)
    return rows


@pytest.mark.timeout(300)
async def test_tens_of_thousands_of_segments(keyed: ModelBench, pane: TranscriptPane) -> None:
    await go_live(keyed)
    pace = Pace()
    for number in range(SEGMENTS):
        listener_of(keyed).segment_received(f"SG_{number}", "agent", f"word {number}", True)
        await pace.rest()
    assert keyed.model.send("am I heard?")
    rows = rows_of(pane)
    assert len(keyed.model.messages) == MOST_MESSAGES + 1
    await settle(lambda: rows.rowCount() == MOST_MESSAGES + 1, 240.0)
    assert rows.index(0, 0).data() == "word 0"
    assert rows.index(MOST_MESSAGES, 0).data() == "am I heard?"
    assert keyed.raised.count("transcript_cut") == 1


async def test_a_stream_in_pieces_of_eight_bytes(keyed: ModelBench, pane: TranscriptPane) -> None:
    await go_live(keyed)
    changes: list[int] = []
    keyed.model.message_changed.connect(lambda row, _message: changes.append(row))
    pace, began_s = Pace(), time.monotonic()
    stream = listener_of(keyed).stream_opened("SG_1", "agent", False)
    for number in range(STREAM_BYTES // 8):
        stream.add(f"{number:7d} ")
        await pace.rest()
    stream.close()
    frames = (time.monotonic() - began_s) * 60 + 2
    rows = rows_of(pane)
    await settle(lambda: changes and keyed.model.messages[0].final and rows.message(0).final, 10.0)
    assert len(changes) <= frames + 2
    assert len(rows.message(0).text) == LONGEST_MESSAGE
    assert keyed.raised.count("transcript_cut") == 1
    await keyed.model.aclose()
    (journal,) = keyed.profile.transcripts_folder.glob("*.jsonl")
    (message,) = read_journal(journal)
    assert len(message.text) == LONGEST_MESSAGE
    assert journal.stat().st_size < 20 * LONGEST_MESSAGE


async def test_what_comes_into_sight_at_once_is_seen_a_moment_later(
    keyed: ModelBench, pane: TranscriptPane, qapp: QApplication
) -> None:
    def measured(rows: Iterable[int]) -> bool:
        # No Qt loop runs beside asyncio's here: its timers are given their turn.
        qapp.processEvents()
        return all(map(messages.heights.is_measured, rows))

    messages = list_of(pane)
    pane.hide()
    await go_live(keyed)
    for number in range(60):
        words = f"{number} " + "a\u0300\u200b" * 40 + "\u05e9\u0e01\U0001d573" * 1_300
        listener_of(keyed).segment_received(f"SG_{number}", "agent", words, True)
    await settle(lambda: rows_of(pane).rowCount() == 60, 10.0)
    pane.show()
    await settle(lambda: measured(messages.rows_in_sight()), 20.0)
    bar = messages.verticalScrollBar()
    assert bar.value() == bar.maximum()
    await settle(lambda: measured(range(60)), 60.0)


async def test_an_agent_that_changes_its_state_all_the_time(keyed: ModelBench, pane: TranscriptPane) -> None:
    await go_live(keyed)
    told: list[str | None] = []
    keyed.model.session_changed.connect(lambda snapshot: told.append(snapshot.agent_state))
    pace, began_s = Pace(), time.monotonic()
    for number in range(20_000):
        listener_of(keyed).agent_state_changed(("speaking", "thinking")[number % 2])
        await pace.rest()
    await settle(lambda: told[-1] == "thinking")
    # Once a frame; and what changes by itself, as the time does.
    assert len(told) <= (time.monotonic() - began_s) * 70 + 5
