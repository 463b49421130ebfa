"""A sound card of its own: a server whose speaker is recorded and whose microphone is played to."""

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
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tests.desk.process import DeskError, end, raise_priority, run, running, start, wait_until

RATE_HZ = 48_000
WITHOUT_LEAVE = ("setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice")
"""Before a command: it may not make its threads realtime, as on a desk without RealtimeKit."""
Kind = Literal["pulseaudio", "pipewire"]
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
    server: "Server" = field(repr=False)

    @property
    def pid(self) -> int:
        """The process that programs are connected to."""
        return self.server.pid

    def kill(self, part: str = "") -> None:
        """Kills the server with -9, without a goodbye; or one of PipeWire's parts, ``pipewire``, by name."""
        self.server.kill(part)

    def start(self) -> None:
        """Starts the server that was killed: the same socket, the same devices."""
        self.server.start()
        self.server.add_devices(self)

    def restart(self) -> None:
        """Kills the server and starts it again."""
        self.kill()
        self.start()

    def block(self, seconds: float) -> None:
        """The sound server answers nobody and plays nothing for so long."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def control(self, *words: str) -> str:
        """Runs ``pactl``; returns what it prints."""
        said: str = run(["pactl", *words], self.env, capture_output=True, text=True, timeout=10).stdout
        return said

    @contextmanager
    def recording(self, path: Path | None = None, device: str = f"{SPEAKER}.monitor") -> Iterator[Recording]:
        """Records ``device`` during the block; also as a WAV file at ``path`` when given."""
        recording = Recording(self.folder / f"recording-{time.monotonic_ns()}.raw")
        recording.path.touch()
        words = ["parec", f"--device={device}", "--format=s16le", f"--rate={RATE_HZ}"]
        words += ["--channels=2", "--latency-msec=5", "--process-time-msec=5", "--raw", str(recording.path)]
        with running(words, self.env, self.folder / "log") as process:
            raise_priority(process.pid)
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


@dataclass
class Part:
    """One process of a sound server.

    Attributes:
        words: Its command line.
        socket: What it listens on; ``None``: nothing.
    """

    words: list[str]
    socket: Path | None = None
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Server:
    """PulseAudio is one process, PipeWire three, each of which needs the one before; the last is asked."""

    def __init__(self, env: Mapping[str, str], log: Path, parts: dict[str, Part], *, realtime: bool) -> None:
        self._env, self._log = env, log
        self._parts = parts
        self._realtime = realtime

    @property
    def pid(self) -> int:
        process = list(self._parts.values())[-1].process
        assert process is not None
        return process.pid

    def start(self) -> None:
        """Starts each part that does not run."""
        for name, part in self._parts.items():
            if part.is_alive:
                continue
            if part.socket is not None:
                part.socket.unlink(missing_ok=True)
            part.process = start(part.words, self._env, self._log)
            if self._realtime:
                raise_priority(part.process.pid)
            if part.socket is not None:
                wait_until(part.socket.exists, name, self._log)

    def kill(self, name: str) -> None:
        part = self._parts[name] if name else list(self._parts.values())[-1]
        assert part.process is not None
        part.process.kill()
        part.process.wait(5)

    def add_devices(self, card: Card) -> None:
        """Waits for the devices that PulseAudio's command line names; adds them to PipeWire."""
        if "pipewire" in self._parts:
            wait_until(lambda: _answers(card), "PipeWire", self._log)
            for device in (_null_sink(SPEAKER), _null_sink(MIC_SINK), _REMAP):
                card.control("load-module", *device)
        _wait_for_devices(card, self._log)

    def close(self) -> None:
        for part in reversed(self._parts.values()):
            if part.process is not None:
                end(part.process)


@contextmanager
def sound(env: Mapping[str, str], server: Kind = "pulseaudio", *, realtime: bool = True) -> Iterator[Card]:
    """Runs a sound server with ``speaker`` and ``microphone`` as its only devices, both the default.

    Args:
        env: Where it runs; the card's own leads to it.
        server: Which one.
        realtime: Whether it runs before all other programs, if it may; on a desk without RealtimeKit it does
            not.
    """
    with TemporaryDirectory(prefix="desk-sound-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        heard = {**env, "PULSE_STATE_PATH": name, "PULSE_COOKIE": f"{name}/cookie"}
        if server == "pulseaudio":
            heard |= {"PULSE_SERVER": f"unix:{folder}/native", "PULSE_RUNTIME_PATH": name}
            heard.setdefault("XDG_RUNTIME_DIR", name)
        else:
            heard |= {"XDG_RUNTIME_DIR": name}
            for led_elsewhere in ("PULSE_SERVER", "PULSE_RUNTIME_PATH", "PIPEWIRE_RUNTIME_DIR"):
                heard.pop(led_elsewhere, None)
        running_server = _server(server, folder, {**heard, "HOME": name}, realtime)
        card = Card(heard, folder, running_server)
        try:
            card.start()
            yield card
        finally:
            running_server.close()


def _server(kind: Kind, folder: Path, env: Mapping[str, str], realtime: bool) -> Server:
    log = folder / "log"
    if kind == "pulseaudio":
        daemon = Part(_daemon(folder, realtime), folder / "native")
        return Server(env, log, {kind: daemon}, realtime=realtime)
    before = [] if realtime else [*WITHOUT_LEAVE]
    sockets = {
        "pipewire": folder / "pipewire-0",
        "wireplumber": None,
        "pipewire-pulse": folder / "pulse" / "native",
    }
    parts = {name: Part([*before, name], socket) for name, socket in sockets.items()}
    return Server(env, log, parts, realtime=realtime)


def _daemon(folder: Path, realtime: bool) -> list[str]:
    modules = [
        f"module-native-protocol-unix socket={folder}/native auth-anonymous=1",
        " ".join(_null_sink(SPEAKER)),
        " ".join(_null_sink(MIC_SINK)),
        " ".join(_REMAP),
    ]
    first = "yes" if realtime else "no"
    words = ["pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]
    words += ["--disable-shm=yes", f"--high-priority={first}", f"--realtime={first}", "--log-target=stderr"]
    return words + [word for module in modules for word in ("-L", module)]


def _answers(card: Card) -> bool:
    try:
        card.control("info")
    except subprocess.CalledProcessError:
        return False
    return True


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
