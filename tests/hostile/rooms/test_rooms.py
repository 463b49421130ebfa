"""The short form of ``make fuzz KINDS="room peer"``: a hostile room, and a window that answers."""

from pathlib import Path

from tests.hostile.rooms.run import session_events, wire_packets


def test_whatever_a_room_says_the_window_answers_and_the_transcript_is_whole(tmp_path: Path) -> None:
    tally = session_events(600, 11, tmp_path)
    assert tally.findings == []
    assert tally.outcomes.total() == 600
    assert {"segment", "open", "piece", "close", "state"} <= set(tally.outcomes)


def test_whatever_a_room_sends_the_window_answers_and_the_session_is_live_or_ended(tmp_path: Path) -> None:
    tally = wire_packets(600, 12, tmp_path)
    assert tally.findings == []
    assert {outcome.rpartition(" ")[2] for outcome in tally.outcomes} <= {"live", "failed"}
    assert sum(count for name, count in tally.outcomes.items() if name.endswith("live")) > 500
