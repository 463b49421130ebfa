from atlas_desktop.media.pacing import Pacer


def test_the_lead_is_what_was_written_and_not_played_yet() -> None:
    pacer = Pacer()
    assert pacer.lead_us(1_000) == 0
    pacer.wrote(4800, 1_000)
    assert pacer.lead_us(1_000) == 100_000
    assert pacer.lead_us(61_000) == 40_000
    pacer.wrote(480, 61_000)
    assert pacer.lead_us(61_000) == 50_000


def test_a_queue_that_ran_dry_starts_anew() -> None:
    pacer = Pacer()
    pacer.wrote(480, 0)
    pacer.wrote(480, 500_000)
    assert pacer.lead_us(500_000) == 10_000


def test_clearing_leaves_nothing() -> None:
    pacer = Pacer()
    pacer.wrote(48_000, 0)
    pacer.cleared(10)
    assert pacer.lead_us(10) == 0
