"""The report of a test call: figures and problems, as text and as JSON."""

import json
from dataclasses import asdict, dataclass, field


@dataclass(slots=True)
class Report:
    """The figures of one test call; ``None`` for what never happened.

    Attributes:
        window_ms: Process start → the window's first paint.
        first_frame_ms: Start of the session → first frame on the screen.
        first_frame_again_ms: The same for a second rehearsal, the local Atlas running.
        first_sound_ms: Start of the session → first audible block from the avatar.
        frames_received: Frames that arrived during the measurement.
        frames_shown: How many of them were painted.
        longest_gap_ms: The longest time between two paints.
        underruns: How often the sound device ran dry although sound had arrived in time.
        starved: How often it ran dry because none arrived.
        round_trip_ms: To the room, the median of what was measured.
        lip_sync: Whether pictures waited for their sound.
        lip_sync_settled: Whether the hold had converged at the end.
        hold_ms: How long a picture was held at the end.
        picture_path_ms: How much later than its own time a picture was on the screen.
        sound_path_ms: The same for the sound, the speaker's own delay included.
        skew_ms: What remained between them: the sound later (+) or earlier (−), the median of the call.
        painter: How frames were painted.
        cpu_percent: Of one core: the window's process, without the sound process and the local Atlas.
        memory_mb: Its proportional set size.
        threads: Its own, native ones included.
        sound_cpu_percent: Of one core: the sound process.
        sound_memory_mb: Its proportional set size.
        local_atlas_cpu_percent: Of one core: the local Atlas, when it was called.
        local_atlas_memory_mb: Its proportional set size.
        problems: One sentence each; empty when the call was good.
    """

    version: str
    mode: str
    source: str = ""
    seconds: float = 0.0
    window_ms: float | None = None
    first_frame_ms: float | None = None
    first_frame_again_ms: float | None = None
    first_sound_ms: float | None = None
    frames_received: int = 0
    frames_shown: int = 0
    longest_gap_ms: float | None = None
    frame_cost_ms: float | None = None
    underruns: int = 0
    starved: int = 0
    sound_level_ms: float | None = None
    round_trip_ms: float | None = None
    lip_sync: bool = True
    lip_sync_settled: bool = False
    hold_ms: float | None = None
    picture_path_ms: float | None = None
    sound_path_ms: float | None = None
    skew_ms: float | None = None
    painter: str = ""
    cpu_percent: float = 0.0
    memory_mb: float = 0.0
    threads: int = 0
    sound_cpu_percent: float | None = None
    sound_memory_mb: float | None = None
    local_atlas_cpu_percent: float | None = None
    local_atlas_memory_mb: float | None = None
    screenshot: str | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def shown_percent(self) -> float | None:
        """The share of received frames that were shown."""
        return 100 * self.frames_shown / self.frames_received if self.frames_received else None

    @property
    def passed(self) -> bool:
        """Whether picture and sound arrived and nothing failed."""
        return not self.problems

    def as_json(self) -> str:
        """Return the whole report, derived figures included."""
        derived = {"shown_percent": self.shown_percent, "passed": self.passed}
        return json.dumps({**asdict(self), **derived}, indent=2)

    def as_text(self) -> str:
        """Return the report for a person."""
        rows = [
            ("window after launch", _ms(self.window_ms)),
            ("first frame after start", _ms(self.first_frame_ms)),
            ("first sound after start", _ms(self.first_sound_ms)),
            ("frames shown", self._frames_words()),
            ("longest gap", _ms(self.longest_gap_ms)),
            ("sound: ran dry", f"{self.underruns} by us, {self.starved} for want of sound"),
            ("lip sync", self._lip_sync_words()),
            ("picture, sound path", self._path_words()),
            ("round trip", _ms(self.round_trip_ms)),
            ("CPU, memory", f"{self.cpu_percent:.1f} % of a core, {self.memory_mb:.0f} MB"),
        ]
        if self.sound_cpu_percent is not None:
            words = f"{self.sound_cpu_percent:.1f} % of a core, {self.sound_memory_mb:.0f} MB"
            rows.append(("sound process", words))
        if self.local_atlas_cpu_percent is not None:
            words = f"{self.local_atlas_cpu_percent:.1f} % of a core, {self.local_atlas_memory_mb:.0f} MB"
            rows.append(("local Atlas", words))
        if self.first_frame_again_ms is not None:
            rows.insert(2, ("first frame, second time", _ms(self.first_frame_again_ms)))
        if self.screenshot is not None:
            rows.append(("screenshot", self.screenshot))
        head = f"Test call, {self.mode}, {self.source}, {self.seconds:.0f} s"
        lines = [head, *(f"  {name:<26}{value}" for name, value in rows)]
        verdict = (
            ["  passed: picture and sound arrived"]
            if self.passed
            else [f"  PROBLEM: {problem}" for problem in self.problems]
        )
        return "\n".join(lines + verdict)

    def _lip_sync_words(self) -> str:
        if not self.lip_sync:
            return "off, for the lowest delay"
        if self.hold_ms is None:
            return "not measured"
        held = f"pictures held {self.hold_ms:.0f} ms{'' if self.lip_sync_settled else ', not settled'}"
        if self.skew_ms is None:
            return held
        return f"{held}, sound {abs(self.skew_ms):.0f} ms {'later' if self.skew_ms > 0 else 'earlier'}"

    def _path_words(self) -> str:
        if self.picture_path_ms is None and self.sound_path_ms is None:
            return "not measured"
        paths = f"{_ms(self.picture_path_ms, 'unknown')}, {_ms(self.sound_path_ms, 'unknown')}"
        return f"{paths} ({self.painter})" if self.painter else paths

    def _frames_words(self) -> str:
        share = self.shown_percent
        if share is None:
            return "none came"
        rate = self.frames_received / self.seconds if self.seconds else 0.0
        return f"{self.frames_shown} of {self.frames_received} ({share:.1f} %), {rate:.1f} a second"


def _ms(value: float | None, nothing: str = "never") -> str:
    return nothing if value is None else f"{value:.0f} ms"
