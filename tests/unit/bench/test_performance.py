"""Goals are judged by pairs, and the page says so."""

import pytest

from tests.bench.versus.goals import Run
from tests.bench.versus.performance import judged, page
from tests.bench.versus.plot import plot
from tests.bench.versus.stream import Stream

_MACHINE = {"cpu": "A <fast> one", "cores": 2, "memory_gb": 8, "system": "Linux"}


def run(viewer: str, pair: str, **figures: float | None) -> Run:
    return {
        "viewer": viewer,
        "pair": pair,
        "stream": "512@25",
        "condition": "idle",
        "machine": _MACHINE,
        "at": "2026-01-02T03:04:05",
        "seconds": 20.0,
        "sound_ppm": 0.0,
        "load_before": 0.1,
        **figures,
    }


RUNS = [
    run("program", "a", cpu_percent=10.0, skew_ms=-9.0),
    run("chromium", "a", cpu_percent=20.0, skew_ms=30.0),
    run("chromium", "b", cpu_percent=18.0, skew_ms=None),
    run("program", "b", cpu_percent=12.0, skew_ms=-7.0),
    # Nothing beside it: it is shown, and judges nothing.
    run("program", "c", cpu_percent=99.0),
]


def test_goals_are_judged_by_pairs() -> None:
    cpu, skew = judged(RUNS)
    assert (cpu.ours, cpu.theirs, cpu.kept, cpu.pairs) == ((11, 10, 12), (19, 18, 20), True, 2)
    assert cpu.ratio == pytest.approx((0.583, 0.5, 0.667), abs=0.001)
    # Early or late, it is as far off.
    assert (skew.ours, skew.kept, skew.pairs) == ((9, 9, 9), False, 1)


def test_the_page_has_goals_and_all_that_was_measured() -> None:
    text = page(RUNS, judged(RUNS))
    assert (
        "| CPU of the process tree, % | 11.0 (10.0 – 12.0) | 19.0 (18.0 – 20.0) | 0.58 (0.50 – 0.67) |"
        in text
    )
    assert "| missed |" in text
    assert "| 512@25 idle | program | 3 | 12 | – |" in text


def test_the_plot_is_drawn_of_what_has_a_ratio() -> None:
    drawn = plot(judged(RUNS))
    assert drawn.count("<rect") == 2
    assert drawn.startswith("<svg")


@pytest.mark.parametrize("text", ["", "512", "511@25", "512x@25", "512@0", "axb@c"])
def test_what_is_no_stream_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Stream.parse(text)


def test_streams_are_named_as_they_are_asked_for() -> None:
    assert [str(Stream.parse(text)) for text in ("512@25", "1280x720@30")] == ["512@25", "1280x720@30"]
