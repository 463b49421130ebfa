"""The short form of ``make fuzz KINDS="sounds pictures"``: some hundreds of broken files, and no harm."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.hostile.files.bombs import BOMBS
from tests.hostile.files.campaign import HANG_CPU_S, MOST_MB, Campaign, new_subject
from tests.hostile.files.corpus import picture_seeds, sound_seeds
from tests.hostile.subject_process import SubjectProcess

Seeds = Callable[[], Sequence[tuple[str, bytes]]]


@pytest.mark.parametrize(
    ("seeds", "count", "good"),
    [(sound_seeds, 300, "spoken"), (picture_seeds, 300, "shown")],
    ids=["sounds", "pictures"],
)
def test_a_broken_file_is_taken_or_named_and_does_no_harm(
    tmp_path: Path, seeds: Seeds, count: int, good: str
) -> None:
    campaign = Campaign(seeds(), 7, tmp_path / "found")
    assert list(campaign.run(count))[-1] == count
    assert campaign.tally.findings == []
    assert set(campaign.tally.outcomes) == {good, "named"}
    assert campaign.tally.outcomes.total() == count


@pytest.mark.parametrize(
    ("seeds", "good"), [(sound_seeds, "spoken"), (picture_seeds, "shown")], ids=["sounds", "pictures"]
)
def test_what_is_mutated_is_good_before(tmp_path: Path, seeds: Seeds, good: str) -> None:
    campaign = Campaign(seeds(), 1, tmp_path / "found")
    outcomes = campaign.take_all(seeds())
    bad = [ending for ending, outcome in outcomes if outcome != good]
    # A playlist and a script, which must not be taken, and a few that FFmpeg writes and can't read.
    assert len(bad) <= 8, bad


def adx(place: int, other: int) -> bytes:
    """A sound of a game console with one byte changed: over some variants FFmpeg divides by zero."""
    content = bytearray(next(content for ending, content in sound_seeds() if ending == "adx"))
    content[place] = other
    return bytes(content)


def greedy_wav() -> bytes:
    """Some kilobytes whose header has FFmpeg allocate half a gigabyte."""
    form = b"\x02\0\x01\0\x80\xbb\0\0\0\0\0\0\0\x04\x04\0\x20\0\xf4\x07" + bytes(30)
    body = b"LIST\xe6\xff\xff\xff" + b"INFOISFT\x0e\0\0\0Lavf62.12.102\0" + b"\x1f" * 4000
    return b"RIFF\x74\x3c\0\0WAVEfmt \x32\0\0\0" + form + body


def test_files_that_killed_the_process_once_do_so_no_more(tmp_path: Path) -> None:
    killers = [("adx", adx(6, 0x0C)), ("adx", adx(0x21, ord("G"))), ("adx", adx(7, 0)), ("wav", greedy_wav())]
    campaign = Campaign(killers, 1, tmp_path / "found")
    assert campaign.take_all(killers) == [(ending, "named") for ending, _ in killers]
    assert campaign.tally.worst_mb[0] < MOST_MB


def test_sound_of_sixteen_planes_is_spoken(tmp_path: Path) -> None:
    """More planes than a frame of FFmpeg has addresses for: PyAV reads beyond them, and the process dies."""
    path = tmp_path / "a.wv"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("wavpack", rate=48_000, layout="16 channels")
        assert isinstance(stream, av.AudioStream)
        sound = np.full((1, 16 * 24_000), 9000, np.int16)
        sound[0, ::32] = -9000
        frame = av.AudioFrame.from_ndarray(sound, "s16", "16 channels")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
        resampler = av.AudioResampler(stream.format, stream.layout, frame_size=stream.frame_size)
        for part in resampler.resample(frame):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    files = [("wv", path.read_bytes())]
    assert Campaign(files, 1, tmp_path / "found").take_all(files) == [("wv", "spoken")]


@pytest.fixture(scope="module")
def subject() -> Iterator[SubjectProcess]:
    subject = new_subject()
    yield subject
    subject.end()


@pytest.mark.parametrize(("ending", "make"), BOMBS, ids=[make.__name__ for _ending, make in BOMBS])
def test_a_picture_takes_neither_memory_nor_time_without_end(
    tmp_path: Path, subject: SubjectProcess, ending: str, make: Callable[[], bytes]
) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(make())
    report = subject.take(str(path))
    assert report is not None
    assert report["outcome"] in ("shown", "named")
    assert report["cpu_s"] < HANG_CPU_S
    assert report["peak_mb"] < MOST_MB
    if make.__name__.startswith("large") and "scans" not in make.__name__:
        assert report["outcome"] == "shown"
