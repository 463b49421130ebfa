"""The journal's writer loses no record while it lives, and reads the day's sessions when they changed."""

from datetime import timedelta
from pathlib import Path

import pytest

from atlas_desktop.api.guard_protocol import Frame
from atlas_desktop.api.source import EndReceipt, Mode, SessionGrant
from atlas_desktop.errors import JournalError
from atlas_desktop.guard.journal_writer import JournalWriter
from atlas_desktop.storage.billing_entry import Outcome, asked, ended, granted
from atlas_desktop.storage.billing_journal import BillingJournal
from tests.unit.guard.fakes import ADDRESS, KEY, Clock, FakeJournal

NOW = Clock().wall
GRANT = SessionGrant("ses_1", "wss://room", "token", price_per_hour_usd=7.2)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.journal = FakeJournal(folder / "sessions.jsonl")
        self.troubles: list[Frame] = []
        self.writer = JournalWriter(self.journal, self.troubles.append)
        self.asked = asked("guard", "atlas", ADDRESS, KEY, Mode.CONVERSATION, NOW)
        self.granted = granted(self.asked["key"], GRANT, NOW)
        receipt = EndReceipt("ses_1", confirmed=True, duration_s=50.0, cost_usd=0.1)
        self.ended = ended(self.asked["key"], receipt, "asked", 0.1, NOW + timedelta(seconds=50))

    def outcomes(self) -> list[Outcome]:
        return [entry.outcome for entry in self.journal.entries()]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_what_waits_is_written_in_its_order_and_the_trouble_told_once(bench: Bench) -> None:
    bench.journal.full = True
    bench.writer.append_or_queue(bench.asked)
    bench.writer.append_or_queue(bench.granted)
    bench.writer.flush()
    assert bench.writer.is_behind
    assert len(bench.troubles) == 1
    bench.journal.full = False
    bench.writer.append_or_queue(bench.ended)
    is_behind: bool = bench.writer.is_behind
    assert not is_behind
    assert bench.outcomes() == [Outcome.ENDED]
    bench.journal.full = True
    bench.writer.append_or_queue(bench.asked)
    assert len(bench.troubles) == 2


def test_what_was_refused_is_not_written_later(bench: Bench) -> None:
    bench.journal.full = True
    with pytest.raises(JournalError):
        bench.writer.append(bench.asked)
    bench.journal.full = False
    bench.writer.flush()
    assert bench.outcomes() == []


def test_todays_sessions_are_what_the_disk_says(bench: Bench) -> None:
    assert bench.writer.recent(NOW) == []
    bench.writer.append(bench.asked)
    assert bench.writer.recent(NOW) == []  # it has cost nothing
    bench.writer.append_or_queue(bench.granted)
    assert [entry.session_id for entry in bench.writer.recent(NOW)] == ["ses_1"]
    bench.writer.append_or_queue(bench.ended)
    assert [entry.charged_usd for entry in bench.writer.recent(NOW)] == [0.1]


def test_another_program_writes_too(bench: Bench) -> None:
    bench.writer.recent(NOW)
    other = BillingJournal(bench.journal.file)
    other.append(bench.asked)
    other.append(bench.granted)
    assert [entry.session_id for entry in bench.writer.recent(NOW)] == ["ses_1"]


def test_the_day_before_yesterday_costs_nothing_today(bench: Bench) -> None:
    for record in (bench.asked, bench.granted, bench.ended):
        bench.writer.append(record)
    assert bench.writer.recent(NOW + timedelta(days=3)) == []


def test_a_journal_that_cannot_be_read_is_told_once_until_it_can_be(bench: Bench) -> None:
    bench.journal.file.mkdir()
    assert bench.writer.entries() == []
    assert bench.writer.entry_of("ses_1") is None
    assert bench.writer.recent(NOW) == []
    assert [event["error"]["code"] for event in bench.troubles] == ["journal"]
    bench.journal.file.rmdir()
    assert bench.writer.entries() == []
    bench.journal.file.mkdir()
    assert bench.writer.entries() == []
    assert len(bench.troubles) == 2


def test_one_record_that_waits_is_told_once(bench: Bench) -> None:
    bench.journal.full = True
    bench.writer.append_or_queue(bench.asked)
    for _ in range(3):
        bench.writer.flush()
    assert len(bench.troubles) == 1
    bench.journal.full = False
    bench.writer.flush()
    assert bench.outcomes() == [Outcome.ASKED]
    bench.journal.full = True
    bench.writer.append_or_queue(bench.granted)
    assert len(bench.troubles) == 2


def test_a_journal_that_can_be_read_but_not_written_is_told_once(bench: Bench) -> None:
    bench.journal.full = True
    bench.writer.append_or_queue(bench.asked)
    assert bench.writer.entries() == []
    bench.writer.flush()
    assert len(bench.troubles) == 1


def test_while_it_can_not_be_read_the_day_keeps_what_is_known(bench: Bench) -> None:
    for record in (bench.asked, bench.granted, bench.ended):
        bench.writer.append(record)
    assert [entry.charged_usd for entry in bench.writer.recent(NOW)] == [0.1]
    aside = bench.journal.file.rename(bench.journal.file.with_name("aside"))
    bench.journal.file.mkdir()
    for _ in range(3):
        assert [entry.charged_usd for entry in bench.writer.recent(NOW)] == [0.1]
    assert len(bench.troubles) == 1
    bench.journal.file.rmdir()
    aside.rename(bench.journal.file)
    assert [entry.charged_usd for entry in bench.writer.recent(NOW)] == [0.1]
    assert len(bench.troubles) == 1


def test_what_another_program_wrote_is_read_once(bench: Bench) -> None:
    other = BillingJournal(bench.journal.file)
    other.append(bench.asked)
    first = bench.writer.recent(NOW)
    assert bench.writer.recent(NOW) is first
    other.append(bench.granted)
    second = bench.writer.recent(NOW)
    assert second is not first
    assert bench.writer.recent(NOW) is second


def test_what_can_neither_be_read_nor_written_is_told_once(bench: Bench) -> None:
    bench.journal.file.mkdir()
    bench.journal.full = True
    assert bench.writer.recent(NOW) == []
    bench.writer.append_or_queue(bench.asked)
    assert len(bench.troubles) == 1
