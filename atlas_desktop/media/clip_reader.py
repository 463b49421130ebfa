"""Clips from files, spoken: opened once, decoded, measured and levelled in a thread of their own."""

import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from atlas_desktop.aio import guarded
from atlas_desktop.errors import AppError, CutShortError, FileSilentError, MediaError, about_file
from atlas_desktop.files import SILENCE_LIMIT_S, AnswerClock
from atlas_desktop.media.blocks import (
    BLOCK_SAMPLES,
    SAMPLE_RATE_HZ,
    Block,
    Samples,
    no_samples,
    silence,
    to_block,
)
from atlas_desktop.media.loudness import Leveller, gain_db
from atlas_desktop.media.probe import MOST_WHOLE_S, SHORT_S, ClipInfo, ClipScan, survey
from atlas_desktop.media.sound_file import SoundFile

# Levelled and ready to be read: filled up when it has fallen to half. Below the least, that comes first.
_FULL_BLOCKS, _REFILL_BLOCKS, _LEAST_BLOCKS = 200, 100, 50
_PIECE_SAMPLES = SAMPLE_RATE_HZ // 4
# Of a long clip so much is decoded and measured ahead of that, 2 MB: the gain hardly moves then.
_AHEAD_SAMPLES = 10 * SAMPLE_RATE_HZ
# How long the first block waits, or until so much sound was measured. Where nothing holds it up that is some
# 10 s, or a short clip whole. With less than the last the gain might begin 20 dB off.
_FIRST_LOOK_S = ((0.04, MOST_WHOLE_S), (0.04, 3.0), (0.4, 0.5))
_LENGTH_SLACK_S = 0.05
PATIENCE_S = 6.0
"""So long a clip that is spoken waits for its disk: one that stood still needs some seconds to spin up."""

ReportCallback: TypeAlias = Callable[[ClipInfo | AppError], None]


class _ReadAhead:
    """The decoded sound of an open clip, from where it is played to some way ahead. One thread.

    A short clip is kept whole, 12 MB for a minute: a seek in it reads nothing. Of a longer one what was
    played is dropped.

    Attributes:
        scan: What was decoded since the first sample, measured.
        at_end: Whether all of it was decoded.
        is_first_pass: Whether it was decoded in one go since the first sample.
        is_short: Whether it is kept whole.
    """

    def __init__(self, file: SoundFile, scan: ClipScan) -> None:
        self.scan = scan
        self.at_end = False
        self.is_first_pass = True
        self.is_short = file.duration_s is None or file.duration_s <= SHORT_S
        self._file = file
        self._decoder = file.samples()
        self._pieces: list[Samples] = []
        self._starts: list[int] = []
        self._origin = self._end = self._position = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be decoded for now."""
        return self.at_end or (not self.is_short and self._end - self._position >= _AHEAD_SAMPLES)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was decoded since the start, or since a seek that read the file."""
        return self._end == self._origin

    @property
    def end_s(self) -> float:
        """The place up to which it was decoded."""
        return self._end / SAMPLE_RATE_HZ

    def decode(self) -> None:
        """Decode and measure the next piece."""
        piece = next(self._decoder, None)
        if piece is None:
            self.at_end = True
        elif len(piece):
            self._pieces.append(piece)
            self._starts.append(self._end)
            self._end += len(piece)
            self.scan.add(piece)
            self.is_short = self.is_short and self.end_s <= MOST_WHOLE_S

    def take(self, most: int) -> Samples:
        """Return the next samples, up to ``most``; none where nothing is decoded."""
        parts, wanted = [no_samples()], most
        while wanted and self._position < self._end:
            index = bisect_right(self._starts, self._position) - 1
            offset = self._position - self._starts[index]
            part = self._pieces[index][offset : offset + wanted]
            parts.append(part)
            self._position += len(part)
            wanted -= len(part)
        if not self.is_short:
            behind = max(0, bisect_right(self._starts, self._position) - 1)
            del self._pieces[:behind], self._starts[:behind]
        return np.concatenate(parts)

    def seek(self, position_s: float) -> None:
        """Go on at ``position_s``; past the end there is nothing.

        Raises:
            MediaError: The file has become another one.
        """
        self._position = round(position_s * SAMPLE_RATE_HZ)
        if not self.is_short:
            self._file.seek_exactly(position_s)
            self._decoder = self._file.samples()
            self._pieces, self._starts = [], []
            self._origin = self._end = self._position
            self.at_end = self.is_first_pass = False


class ClipReader:
    """Reads any file that FFmpeg decodes as mono 48 kHz blocks (a ``SeekableReader``).

    Opening and decoding start at once in a thread of its own, which stays ahead; the memory is the same for
    any file of more than two minutes. One pass over one open file gives the sound, its loudness and, of a
    short clip, its outline and length; those of a long one are found out by a second decoder over the same
    open file, in a second thread, once the sound is under way. A cut-off file gives what can be decoded, then
    ends. One whose disk stops answering ends with an error; its threads hang as long as the disk does.

    Attributes:
        path: Where the file lies.
        error: Why nothing, or nothing more, could be read, else ``None``.
        info: What is known of the clip so far.
    """

    def __init__(
        self,
        path: Path,
        known: ClipInfo | None = None,
        match_loudness: bool = True,
        on_report: ReportCallback = lambda _report: None,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Start reading.

        Args:
            path: The file.
            known: What was found out before: an unknown loudness is measured, at first ahead of the first
                block, then ahead of what plays; the gain follows slowly.
            match_loudness: Bring it to −16 LUFS; else every sample stays as it is.
            on_report: Called in the reader's threads whenever more is known, and with its error.
            patience_s: How long the disk may be silent once sound has come from it.
        """
        self.path = path
        self.error: AppError | None = None
        self.info = known or ClipInfo()
        self._matches_loudness = match_loudness
        self._on_report = on_report
        self._stop = threading.Event()
        self._leveller = Leveller()
        self._blocks: deque[Block] = deque()
        self._rest = silence(0)
        self._woken = threading.Condition()
        self._learning = threading.Lock()
        self._surveying: threading.Thread | None = None
        self._read_samples = 0
        self._wanted_s: float | None = None
        self._has_begun = self._ended = self._closed = False
        self._patience_s = patience_s
        self._disk = AnswerClock()
        self._dry_from_s: float | None = None
        body = guarded("media.clip_reader", self._fail)(self._run)
        self._thread = threading.Thread(target=body, name="media-clip", daemon=True)
        self._thread.start()

    @property
    def position_s(self) -> float:
        """The place in the clip up to which it was read."""
        return self._read_samples / SAMPLE_RATE_HZ

    @property
    def finished(self) -> bool:
        if not self._has_begun:
            self._check_disk()
        return self._closed or (self._ended and not self._blocks)

    def read(self) -> Block | None:
        try:
            block = None if self._closed else self._blocks.popleft()
        except IndexError:
            block = None
        if block is None:
            self._check_disk()
            return None
        self._dry_from_s = None
        self._read_samples += len(block)
        if len(self._blocks) < _REFILL_BLOCKS:
            with self._woken:
                self._woken.notify()
        return block

    def seek(self, position_s: float) -> None:
        """Go on at ``position_s``, to the sample; past the end there is nothing more."""
        with self._woken:
            if self.error is not None or self._closed:
                return
            self._wanted_s = max(0.0, position_s)
            self._read_samples = round(self._wanted_s * SAMPLE_RATE_HZ)
            self._ended = False
            self._blocks.clear()
            self._woken.notify()

    def close(self) -> None:
        self._closed = True
        self._stop.set()
        with self._woken:
            self._woken.notify()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end after ``close``; return False on timeout."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _check_disk(self) -> None:
        """Give up if no sound has come for too long, and the disk has not answered either."""
        if self._ended or self._closed:
            return
        now_s = time.monotonic()
        if not self._has_begun:
            silent_s, limit_s = now_s - self._disk.heard_s, SILENCE_LIMIT_S
        else:
            self._dry_from_s = self._dry_from_s or now_s
            silent_s, limit_s = now_s - max(self._dry_from_s, self._disk.heard_s), self._patience_s
        if silent_s > limit_s:
            self._fail(FileSilentError(name=self.path.name))

    def _fail(self, error: AppError) -> None:
        with self._woken:
            self.error = named = about_file(error, self.path.name)
            self._ended = True
        if not self._closed:
            self._on_report(named)

    def _run(self) -> None:
        self._disk.follow_this_thread()
        with SoundFile(self.path, self._stop) as file:
            self._learn(ClipInfo(file.duration_s))
            scan = ClipScan(measures_loudness=self._matches_loudness, known_lufs=self.info.loudness_lufs)
            ahead = _ReadAhead(file, scan)
            self._measure_ahead(file, ahead)
            try:
                self._play(file, ahead)
            finally:
                if self._surveying is not None:
                    self._surveying.join()

    def _play(self, file: SoundFile, ahead: _ReadAhead) -> None:
        """Do what is most urgent, until closed: seek, give, decode, find out more."""
        fills, is_measured = True, False
        while not self._closed:
            level = len(self._blocks)
            fills = level < (_FULL_BLOCKS if fills else _REFILL_BLOCKS) and not self._ended
            # Until so much is measured, the blocks wait; later they come first, should the disk stall.
            is_measured = is_measured or ahead.is_full or not ahead.scan.is_measuring
            if self._wanted_s is not None:
                self._go_to_wanted(file, ahead)
            elif fills and (is_measured or level < _LEAST_BLOCKS):
                self._give_next(file, ahead)
            elif not ahead.is_full:
                self._decode(file, ahead)
            elif self._needs_survey(ahead):
                body = guarded("media.clip_reader")(self._survey)
                self._surveying = threading.Thread(
                    target=body, args=(file,), name="media-survey", daemon=True
                )
                self._surveying.start()
            else:
                with self._woken:
                    self._woken.wait_for(self._is_called)

    def _go_to_wanted(self, file: SoundFile, ahead: _ReadAhead) -> None:
        with self._woken:
            position_s, self._wanted_s = self._wanted_s, None
        if position_s is None:
            return
        if self._matches_loudness:
            self._leveller.flush()
        self._rest = silence(0)
        ahead.seek(position_s)
        if ahead.scan.lufs is None:
            self._measure_ahead(file, ahead)

    def _measure_ahead(self, file: SoundFile, ahead: _ReadAhead) -> None:
        """Decode until the first block may go: its gain is to be right, and it is not to wait for long."""
        for limit_s, sound_s in _FIRST_LOOK_S:
            until_s = time.monotonic() + limit_s
            while (
                ahead.scan.is_measuring
                and not ahead.is_full
                and ahead.scan.duration_s < sound_s
                and time.monotonic() < until_s
                and not self._closed
            ):
                self._decode(file, ahead)

    def _decode(self, file: SoundFile, ahead: _ReadAhead) -> None:
        """Decode the next piece; at the end, report what only that shows."""
        ahead.decode()
        if not ahead.at_end or self._closed:
            return
        if ahead.is_first_pass and ahead.is_empty:
            raise file.nothing_in_it()
        if ahead.is_empty:
            return
        info = ClipInfo(ahead.end_s, is_exact=True)
        if ahead.is_first_pass:
            info = ahead.scan.finish(self.path.name)
        if not ahead.is_short:
            info = replace(info, peaks=())  # of the first two minutes alone
        if file.cut_short:
            info = replace(info, remark=CutShortError(name=self.path.name))
        self._learn(info)

    def _give_next(self, file: SoundFile, ahead: _ReadAhead) -> None:
        """Level the next piece and put it where it is read, or end."""
        piece = ahead.take(_PIECE_SAMPLES)
        if len(piece):
            self._give(self._levelled(piece, ahead.scan.lufs))
        elif not ahead.at_end:
            self._decode(file, ahead)
        else:
            self._give(self._leveller.flush() if self._matches_loudness else no_samples(), is_last=True)

    def _levelled(self, piece: Samples, lufs: float | None) -> Samples:
        return self._leveller.level(piece, gain_db(lufs)) if self._matches_loudness else piece

    def _give(self, samples: Samples, *, is_last: bool = False) -> None:
        sound = np.concatenate((self._rest, to_block(samples)))
        count = len(sound) if is_last else len(sound) // BLOCK_SAMPLES * BLOCK_SAMPLES
        self._rest = sound[count:]
        with self._woken:
            if self._wanted_s is None and self.error is None:  # else it is from another place, or too late
                self._blocks.extend(sound[at : at + BLOCK_SAMPLES] for at in range(0, count, BLOCK_SAMPLES))
                self._has_begun = True
                self._ended = is_last

    def _needs_survey(self, ahead: _ReadAhead) -> bool:
        is_known = ahead.is_short or (self.info.is_exact and bool(self.info.peaks))
        return not is_known and self._surveying is None

    def _survey(self, file: SoundFile) -> None:
        """Find out what the pass over a long clip shows too late; runs in a second thread."""
        said_s = file.duration_s
        if said_s is not None and said_s <= SHORT_S:
            said_s = None  # it has turned out to be longer
        # What breaks here breaks the pass as well, which reports it.
        with suppress(MediaError), closing(file.duplicate()) as duplicate:
            for info in survey(duplicate, said_s):
                self._learn(info)

    def _learn(self, info: ClipInfo) -> None:
        """Add to what is known, and report it; an exact length stays, unless the file has changed since."""
        with self._learning:
            known = self.info
            if known.is_exact and (not info.is_exact or _is_alike(known.duration_s, info.duration_s)):
                info = replace(info, duration_s=known.duration_s, is_exact=True)
            info = replace(
                info,
                peaks=info.peaks or known.peaks,
                loudness_lufs=known.loudness_lufs if info.loudness_lufs is None else info.loudness_lufs,
                remark=info.remark or known.remark,
            )
            if info != known and not self._closed:
                self.info = info
                self._on_report(info)

    def _is_called(self) -> bool:
        needs_more = len(self._blocks) < _REFILL_BLOCKS and not self._ended
        return self._closed or self._wanted_s is not None or needs_more


def _is_alike(known_s: float | None, found_s: float | None) -> bool:
    return known_s is not None and found_s is not None and abs(known_s - found_s) < _LENGTH_SLACK_S
