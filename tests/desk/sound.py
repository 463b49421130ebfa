"""A sound card of its own: a PulseAudio whose speaker is recorded and whose microphone is played to."""

import os
import signal
import subprocess
import time
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from tests.desk.process import DeskError, end, running, start, wait_until

RATE_HZ = 48_000
SPEAKER, MIC_SINK, MICROPHONE = "speaker", "mic_sink", "microphone"


@dataclass
class Recording:
    """What a device played or heard, from outside the program.

    Attributes:
        path: The raw file while recording: int16 stereo, 48 kHz.
        started_s: CLOCK_MONOTONIC of the first sample, good to about 5 ms; 0 before it.
    """

    path: Path
    started_s: float = 0.0

    def samples(self) -> NDArray[np.int16]:
        """What was recorded so far: int16 (samples, 2), 48 kHz."""
        raw = np.frombuffer(self.path.read_bytes(), np.int16)
        return raw[: len(raw) // 2 * 2].reshape(-1, 2)

    def save(self, path: Path) -> None:
        """Writes what was recorded so far as a WAV file."""
        write_wav(path, self.samples())


@dataclass
class Card:
    """A running sound card; ``env`` leads a program to it."""

    env: dict[str, str]
    folder: Path = field(repr=False)
    pid: int = field(repr=False)

    def block(self, seconds: float) -> None:
        """The sound server answers nobody and plays nothing for so long."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def control(self, *words: str) -> str:
        """Runs ``pactl``; returns what it prints."""
        return subprocess.run(
            ["pactl", *words], env=self.env, check=True, capture_output=True, text=True, timeout=10
        ).stdout

    @contextmanager
    def recording(self, path: Path | None = None, device: str = f"{SPEAKER}.monitor") -> Iterator[Recording]:
        """Records ``device`` during the block; also as a WAV file at ``path`` when given."""
        recording = Recording(self.folder / f"recording-{time.monotonic_ns()}.raw")
        recording.path.touch()
        words = ["parec", f"--device={device}", "--format=s16le", f"--rate={RATE_HZ}"]
        words += ["--channels=2", "--latency-msec=5", "--process-time-msec=5", "--raw", str(recording.path)]
        with running(words, self.env, self.folder / "log") as process:
            wait_until(lambda: recording.path.stat().st_size > 0, "parec", self.folder / "log")
            have_s = recording.path.stat().st_size / (4 * RATE_HZ)
            recording.started_s = time.monotonic() - have_s
            yield recording
            # An interrupt, unlike a kill, lets it write what it holds.
            process.send_signal(signal.SIGINT)
            process.wait(5)
        if path is not None:
            recording.save(path)

    def say(self, path: Path) -> "subprocess.Popen[bytes]":
        """Starts playing a WAV file into the microphone; ``end_playing`` or its end stops it."""
        words = ["paplay", f"--device={MIC_SINK}", "--latency-msec=20", str(path)]
        return start(words, self.env, self.folder / "log")

    @contextmanager
    def speaking(self, path: Path) -> Iterator[None]:
        """Plays a WAV file into the microphone, at most during the block."""
        process = self.say(path)
        try:
            yield
        finally:
            end(process)

    @contextmanager
    def echoing(self, delay_ms: int, gain_db: float) -> Iterator[None]:
        """Lets the microphone hear the speaker during the block, so much later and so much quieter."""
        words = ["module-loopback", f"source={SPEAKER}.monitor", f"sink={MIC_SINK}"]
        words += [f"latency_msec={delay_ms}", "adjust_time=0"]
        module = self.control("load-module", *words).strip()
        for line in self.control("list", "short", "sink-inputs").splitlines():
            self.control("set-sink-input-volume", line.split()[0], f"{gain_db}dB")
        try:
            yield
        finally:
            self.control("unload-module", module)

    def remove_speaker(self) -> None:
        """Unplugs the speaker."""
        self._unload(SPEAKER)

    def add_speaker(self) -> None:
        """Plugs a speaker in, and makes it the default."""
        self.control("load-module", *_null_sink(SPEAKER))
        self.control("set-default-sink", SPEAKER)

    def remove_microphone(self) -> None:
        """Unplugs the microphone."""
        self._unload(f"source_name={MICROPHONE}")

    def add_microphone(self) -> None:
        """Plugs the microphone in again."""
        self.control("load-module", *_REMAP)
        self.control("set-default-source", MICROPHONE)

    def _unload(self, argument: str) -> None:
        for line in self.control("list", "short", "modules").splitlines():
            number, _, arguments = line.partition("\t")
            if argument in arguments and (argument != SPEAKER or f"sink_name={SPEAKER}" in arguments):
                self.control("unload-module", number)


def _null_sink(name: str) -> list[str]:
    # With rewinds it renders two seconds ahead while idle, and a stream waits that long for its start.
    shape = f"rate={RATE_HZ} channels=2 format=s16le norewinds=1"
    return ["module-null-sink", f"sink_name={name}", shape, f"sink_properties=device.description={name}"]


_REMAP = [
    "module-remap-source",
    f"master={MIC_SINK}.monitor",
    f"source_name={MICROPHONE}",
    # A bare monitor is not listed by Qt; a remapped one is.
    f"source_properties=device.description={MICROPHONE}",
]


@contextmanager
def sound(env: Mapping[str, str]) -> Iterator[Card]:
    """Runs a PulseAudio with ``speaker`` and ``microphone`` as its only devices, both the default."""
    with TemporaryDirectory(prefix="desk-sound-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        log = folder / "log"
        heard = {**env, "PULSE_SERVER": f"unix:{folder}/native", "PULSE_RUNTIME_PATH": name}
        heard |= {"PULSE_STATE_PATH": name, "PULSE_COOKIE": f"{name}/cookie"}
        heard.setdefault("XDG_RUNTIME_DIR", name)
        with running(_daemon(folder), {**heard, "HOME": name}, log) as daemon:
            wait_until((folder / "native").exists, "PulseAudio", log)
            card = Card(heard, folder, daemon.pid)
            _wait_for_devices(card, log)
            yield card


def _daemon(folder: Path) -> list[str]:
    modules = [
        f"module-native-protocol-unix socket={folder}/native auth-anonymous=1",
        " ".join(_null_sink(SPEAKER)),
        " ".join(_null_sink(MIC_SINK)),
        " ".join(_REMAP),
    ]
    words = ["pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]
    words += ["--disable-shm=yes", "--high-priority=yes", "--realtime=yes", "--log-target=stderr"]
    return words + [word for module in modules for word in ("-L", module)]


def _wait_for_devices(card: Card, log: Path) -> None:
    def is_there() -> bool:
        try:
            card.control("set-default-source", MICROPHONE)
            card.control("set-default-sink", SPEAKER)
        except subprocess.CalledProcessError:
            return False
        return True

    wait_until(is_there, "the sound card", log)


def write_wav(path: Path, samples: NDArray[np.int16], rate_hz: int = RATE_HZ) -> None:
    """Writes int16 (samples, channels) or (samples,) as a WAV file."""
    if samples.size == 0:
        raise DeskError("nothing to write")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.ascontiguousarray(samples, np.int16).tobytes())
