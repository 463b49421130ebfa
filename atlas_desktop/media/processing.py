"""Echo cancellation, noise suppression and gain for the microphone: WebRTC's own processing."""

import logging
import threading

import numpy as np
from livekit import rtc

from atlas_desktop.media.blocks import BLOCK_SAMPLES, SAMPLE_RATE_HZ, Block

log = logging.getLogger(__name__)


class EchoCanceller:
    """Cleans what the microphone hears, knowing what the speaker plays.

    A block that can't be processed passes as it is, counted: no sound is lost here.
    Thread: ``process_render`` in the sound thread, ``process_capture`` in the microphone's.

    Attributes:
        failures: Blocks that passed unprocessed.
    """

    def __init__(
        self, *, echo: bool = True, noise: bool = True, high_pass: bool = True, gain: bool = True
    ) -> None:
        self.failures = 0
        self._echo = echo
        self._module = rtc.AudioProcessingModule(
            echo_cancellation=echo,
            noise_suppression=noise,
            high_pass_filter=high_pass,
            auto_gain_control=gain,
        )
        self._rest: dict[int, Block] = {}
        self._delay_ms = 0
        self._lock = threading.Lock()

    def set_delay_ms(self, delay_ms: int) -> None:
        """Sets the time from playing a block to hearing it: level of both devices' buffers."""
        with self._lock:
            self._delay_ms = max(0, delay_ms)

    def process_render(self, block: Block) -> None:
        """Takes what the speaker will play: int16 (samples, channels), any length; cut into 10 ms."""
        channels = block.shape[1]
        rest = self._rest.get(channels)
        sound = block if rest is None else np.concatenate((rest, block))
        whole = len(sound) // BLOCK_SAMPLES * BLOCK_SAMPLES
        for start in range(0, whole, BLOCK_SAMPLES):
            frame = self._frame(sound[start : start + BLOCK_SAMPLES])
            try:
                self._module.process_reverse_stream(frame)
            except RuntimeError as error:
                self._failed(error)
        self._rest = {channels: sound[whole:].copy()}

    def process_capture(self, block: Block) -> Block:
        """Returns the cleaned microphone block, int16 (480, 1); any other length comes back as it is."""
        if len(block) != BLOCK_SAMPLES:
            # The native side ends the whole process on a wrong length (livekit 1.2.1).
            self._failed(ValueError(f"{len(block)} samples"))
            return block
        frame = self._frame(block)
        try:
            if self._echo:
                self._module.set_stream_delay_ms(self._delay_ms)
            self._module.process_stream(frame)
        except RuntimeError as error:
            self._failed(error)
            return block
        return np.frombuffer(frame.data, np.int16).reshape(block.shape)

    def _frame(self, block: Block) -> rtc.AudioFrame:
        return rtc.AudioFrame(
            bytearray(block.astype(np.int16, copy=False).tobytes()),
            SAMPLE_RATE_HZ,
            block.shape[1],
            len(block),
        )

    def _failed(self, error: RuntimeError | ValueError) -> None:
        self.failures += 1
        if self.failures == 1:
            log.info("a block was not processed: %s", error)
