"""Clips from files: read ahead in a thread of their own, in constant memory."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from atlas_desktop.aio import guarded
from atlas_desktop.errors import (
    AppError,
    CutShortError,
    FileSilentError,
    MediaError,
    SilentAudioError,
    about_file,
)
from atlas_desktop.files import SILENCE_LIMIT_S, AnswerClock
from atlas_desktop.media.blocks import BLOCK_SAMPLES, SAMPLE_RATE_HZ, Block
from atlas_desktop.media.graphs import FULL_SCALE, Samples, to_block
from atlas_desktop.media.levelling import Leveller
from atlas_desktop.media.loudness import gain_db, is_heard
from atlas_desktop.media.loudness_scan import LoudnessScan
from atlas_desktop.media.ring import PcmRing
from atlas_desktop.media.sound_file import SoundFile

_AHEAD_MS = 2000
_REFILL_SAMPLES = SAMPLE_RATE_HZ
_PIECE_SAMPLES = SAMPLE_RATE_HZ // 4
# Until the first minute is measured, so much sound ahead is enough; later there is time.
_AHEAD_AT_FIRST_SAMPLES = SAMPLE_RATE_HZ // 2
_RUSH_SOUND_S = 60.0
_SCAN_S = 0.005
_SCAN_PAUSE_S = 0.035
PATIENCE_S = 6.0
"""So long a clip that is spoken waits for its disk: one that stood still needs some seconds to turn again."""


class ClipReader:
    """Reads any file that FFmpeg decodes as mono 48 kHz blocks (a ``SeekableReader``).

    Opening and decoding start at once in a thread of their own, which keeps 1 to 2 s ahead; the
    memory is the same for a 2-hour file. A cut-off file gives what can be decoded, then ends. One whose disk
    answers no more ends with an error; its thread hangs as long as the disk does.

    Attributes:
        path: Where the file lies.
        error: Why nothing, or nothing more, could be read, else ``None``.
        duration_s: What the file says about its length, ``None`` before it is open or when unknown.
        length_s: How long it really is, once its end was seen.
    """

    def __init__(
        self,
        path: Path,
        *,
        match_loudness: bool = True,
        loudness_lufs: float | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Begins to read.

        Args:
            path: The file.
            match_loudness: Bring it to −16 LUFS; else every sample stays as it is.
            loudness_lufs: Its loudness if that is known. Else it is measured, at first ahead of the first
                block, then ahead of what plays: the gain follows slowly.
            patience_s: How long the disk may be silent once sound has come from it.
        """
        self.path = path
        self.error: AppError | None = None
        self.duration_s: float | None = None
        self.length_s: float | None = None
        self._remark: MediaError | None = None
        self._swing = 0
        self._has_begun = False
        self._stop = threading.Event()
        self._matches_loudness = match_loudness
        self._scan = LoudnessScan(path, loudness_lufs, wanted=match_loudness, stop=self._stop)
        self._leveller = Leveller()
        self._ring = PcmRing(_AHEAD_MS, channels=1)
        self._woken = threading.Condition()
        self._read_samples = 0
        self._wanted_s: float | None = None
        self._ended = False
        self._closed = False
        self._patience_s = patience_s
        self._disk = AnswerClock()
        self._dry_from_s: float | None = None
        body = guarded("media.decode", self._on_error)(self._run)
        self._thread = threading.Thread(target=body, name="media-decode", daemon=True)
        self._thread.start()

    @property
    def position_s(self) -> float:
        """The place in the clip up to which it was read."""
        return self._read_samples / SAMPLE_RATE_HZ

    @property
    def loudness_lufs(self) -> float | None:
        """The whole file's, once that is known and was asked for."""
        return self._scan.lufs if self._scan.done else None

    @property
    def measured(self) -> bool:
        """Whether nothing more of its loudness is to be found out."""
        return self._scan.done

    @property
    def remark(self) -> MediaError | None:
        """What is to be said of the file although it is spoken: nothing is heard in it, it ended early."""
        if self._remark is None and self._scan.silent:
            self._remark = SilentAudioError(name=self.path.name)
        return self._remark

    @property
    def finished(self) -> bool:
        return self._closed or (self._ended and self._ring.level_samples == 0)

    def read(self) -> Block | None:
        ended = self._ended
        level = self._ring.level_samples
        if self._closed or level == 0 or (level < BLOCK_SAMPLES and not ended):
            if not ended and not self._closed:
                self._wait_for_disk()
            return None
        self._dry_from_s = None
        block = self._ring.read(BLOCK_SAMPLES)
        self._read_samples += len(block)
        if not ended and level < _REFILL_SAMPLES:
            with self._woken:
                self._woken.notify()
        return block

    def seek(self, position_s: float) -> None:
        """Goes on at ``position_s``, to the sample; past the end there is nothing more."""
        with self._woken:
            if self.error is not None or self._closed:
                return
            self._wanted_s = max(0.0, position_s)
            self._read_samples = round(self._wanted_s * SAMPLE_RATE_HZ)
            self._ended = False
            self._ring.clear()
            self._woken.notify()

    def close(self) -> None:
        self._closed = True
        self._stop.set()
        with self._woken:
            self._woken.notify()

    def join(self, timeout_s: float) -> bool:
        """Waits for the thread's end after ``close``; False when the time is out."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _wait_for_disk(self) -> None:
        """Gives up where nothing has come for too long, and the disk has not answered either."""
        now_s = time.monotonic()
        if self._dry_from_s is None:
            self._dry_from_s = now_s
        patience_s = self._patience_s if self._has_begun else SILENCE_LIMIT_S
        if now_s - max(self._dry_from_s, self._disk.heard_s) > patience_s:
            self._on_error(FileSilentError(name=self.path.name))

    def _on_error(self, error: AppError) -> None:
        self.error = about_file(error, self.path.name)
        self._ended = True

    def _run(self) -> None:
        self._disk.follow_this_thread()
        try:
            with SoundFile(self.path, self._stop) as file:
                self.duration_s = file.duration_s
                self._scan.look_ahead()
                self._play_all(file)
        finally:
            self._scan.close()

    def _play_all(self, file: SoundFile) -> None:
        """Plays from the start, then from wherever it is sent, until it is closed."""
        given = self._play(file, 0.0)
        if given == 0 and not self._is_called:
            raise file.nothing_in_it()
        while self._wait_for_seek():
            with self._woken:
                position_s, self._wanted_s = self._wanted_s, None
            if position_s is not None:
                file.seek_exactly(position_s)
                self._play(file, position_s)

    def _play(self, file: SoundFile, position_s: float) -> int:
        """Decodes from here to the end, or until told to stop; returns how many samples came."""
        given = 0
        for samples in self._levelled(file):
            if self._is_called:
                break
            for start in range(0, len(samples), _PIECE_SAMPLES):
                piece = to_block(samples[start : start + _PIECE_SAMPLES])
                given += len(piece)
                self._swing = max(self._swing, int(np.ptp(piece)))
                if not self._give(piece):
                    return given
        if given and not self._is_called:
            self._see_end(file, position_s + given / SAMPLE_RATE_HZ)
        return given

    def _see_end(self, file: SoundFile, length_s: float) -> None:
        """Takes down what only the end of a file shows."""
        self.length_s = length_s
        if file.cut_short:
            self._remark = CutShortError(name=self.path.name)
        elif not self._matches_loudness and not is_heard(self._swing / FULL_SCALE):
            self._remark = SilentAudioError(name=self.path.name)

    def _levelled(self, file: SoundFile) -> Iterator[Samples]:
        if not self._matches_loudness:
            yield from file.samples()
            return
        for samples in file.samples():
            if len(samples):
                yield self._leveller.level(samples, gain_db(self._scan.lufs))
        yield self._leveller.flush()

    def _give(self, piece: Block) -> bool:
        """Puts a piece into the buffer, when it is full as soon as half of it was read; False: stop.

        While it waits, it measures.
        """
        room = len(piece)
        while True:
            with self._woken:
                if self._is_called:
                    return False
                hurries = self._scan_hurries
                if not hurries and self._ring.space_samples >= room:
                    self._ring.write(piece)
                    self._has_begun = True
                    return True
                if not hurries:
                    room = max(room, _REFILL_SAMPLES)
                    self._woken.wait(None if self._scan.done else _SCAN_PAUSE_S)
            self._scan.advance(_SCAN_S)

    @property
    def _scan_hurries(self) -> bool:
        """Whether measuring is more urgent than reading further ahead."""
        if self._scan.done or self._scan.measured_s >= _RUSH_SOUND_S:
            return False
        return self._ring.level_samples >= _AHEAD_AT_FIRST_SAMPLES

    def _wait_for_seek(self) -> bool:
        """Waits at the end of the file; False when closed."""
        with self._woken:
            self._ended = self._wanted_s is None
            self._woken.wait_for(lambda: self._is_called)
        return not self._closed

    @property
    def _is_called(self) -> bool:
        return self._closed or self._wanted_s is not None
