"""Ten seconds that measure the speaker's own delay: beeps, flashes, and a microphone where there is one."""

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtMultimedia import QAudioDevice

from atlas_desktop.audio.microphone_thread import MicrophoneThread
from atlas_desktop.audio.sound_thread import SoundThread
from atlas_desktop.clock import monotonic_us
from atlas_desktop.media.beep_finder import BEEPS, BeepFinder, beep
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block, silence
from atlas_desktop.media.feeds import AudioFeed
from atlas_desktop.media.playout import PlayoutControl

BEAT_MS = 1_000
_BLOCK_MS = 20
_BLOCK = SAMPLE_RATE_HZ * _BLOCK_MS // 1000
_BEAT = SAMPLE_RATE_HZ * BEAT_MS // 1000
_FULL_VOLUME = 100
_ONSET = 30
_QUIET_US = 300_000


class Calibration(QObject):
    """Beeps once a second through the real path of the avatar's sound, and flashes with it. Thread: main.

    With a microphone it reports after 10 s what was measured. Without one it goes on until stopped: the user
    adjusts ``speaker_ms`` until flash and beep coincide.

    Signals:
        flashed(): Flash now: the beep is heard now, if ``speaker_ms`` is right.
        finished(BeepMeasurement): ``None`` when too few beeps were heard, or without a microphone.
        failed(AppError): Speaker or microphone can't be used.

    Attributes:
        speaker_ms: The assumed delay behind the sound server.
    """

    flashed = Signal()
    finished = Signal(object)
    failed = Signal(object)
    _played = Signal(object)

    def __init__(
        self, speaker_ms: float, microphone: QAudioDevice | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.speaker_ms = speaker_ms
        self._feed = AudioFeed()
        self._sound = SoundThread(self._feed.ring, PlayoutControl(_FULL_VOLUME), self._rendered, self)
        self._finder = BeepFinder()
        self._beep = beep().repeat(2, axis=1)
        self._began_us = self._sounded_us = 0
        self._given = 0
        self._pump = QTimer(self)
        self._pump.setTimerType(Qt.TimerType.PreciseTimer)
        self._pump.setInterval(_BLOCK_MS)
        self._pump.timeout.connect(self._give)
        self._flash = QTimer(self)
        self._flash.setSingleShot(True)
        self._flash.setTimerType(Qt.TimerType.PreciseTimer)
        self._flash.timeout.connect(self.flashed)
        self._played.connect(self._arm_flash, Qt.ConnectionType.QueuedConnection)
        self._sound.device_failed.connect(self.failed)
        self._microphone: MicrophoneThread | None = None
        if microphone is not None:
            # Without the echo canceller, which would remove the beeps.
            self._microphone = MicrophoneThread(self._captured, parent=self)
            self._microphone.select(microphone)
            self._microphone.failed.connect(self.failed)

    def start(self) -> None:
        """Start; the first beep comes after a second."""
        self._sound.start()
        if self._microphone is not None:
            self._microphone.start()
        self._began_us, self._given = monotonic_us(), 0
        self._pump.start()

    def stop(self) -> None:
        """Stop, and close speaker and microphone; takes some milliseconds."""
        self._pump.stop()
        self._flash.stop()
        if self._microphone is not None:
            self._microphone.stop()
        self._sound.stop()

    @Slot()
    def _give(self) -> None:
        """Write what is due to the sound thread's ring, in blocks of 20 ms."""
        due = (monotonic_us() - self._began_us) * SAMPLE_RATE_HZ // 1_000_000
        if due - self._given > _BEAT:
            # The program stood still: what it missed is skipped.
            self._given = due // _BLOCK * _BLOCK
        while self._given + _BLOCK <= due:
            self._feed.ring.write(self._block_at(self._given))
            self._given += _BLOCK
        if self._microphone is not None and self._given >= (BEEPS + 1) * _BEAT + _BEAT // 2:
            self.stop()
            self.finished.emit(self._finder.result())

    def _block_at(self, sample: int) -> Block:
        beat, inside = divmod(sample, _BEAT)
        is_over = self._microphone is not None and beat > BEEPS
        if beat == 0 or is_over or inside >= len(self._beep):
            return silence(_BLOCK, 2)
        return self._beep[inside : inside + _BLOCK]

    def _rendered(self, block: Block) -> None:
        """Schedule a flash for a beep in what was written to the speaker. Thread: the sound thread."""
        loud = abs(block[:, 0]) > _ONSET
        if not loud.any():
            return
        now_us = monotonic_us()
        is_onset = now_us - self._sounded_us > _QUIET_US
        self._sounded_us = now_us
        if is_onset:
            before_us = int(loud.argmax()) * 1_000_000 // SAMPLE_RATE_HZ
            due_us = now_us + round(self._sound.counters.held_ms * 1000) + before_us
            self._finder.played(due_us)
            self._played.emit(due_us)

    def _captured(self, block: Block) -> None:
        """Thread: the microphone's."""
        self._finder.hear(block, monotonic_us())

    @Slot(object)
    def _arm_flash(self, due_us: int) -> None:
        wait_us = due_us + round(self.speaker_ms * 1000) - monotonic_us()
        self._flash.start(max(0, wait_us // 1000))
