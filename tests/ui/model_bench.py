"""The real model on a session without a network: fake sources, a fake room, a keyring in memory."""

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.access import Access
from atlas_desktop.api.source import Mode, SessionSource, SourceKind
from atlas_desktop.clock import monotonic_us
from atlas_desktop.cues.player import CuePlayer
from atlas_desktop.cues.queue import CueState
from atlas_desktop.guard.termination import RetryPolicy
from atlas_desktop.media.playout import PlayoutControl
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.server_session import Timeouts
from atlas_desktop.storage.environment import Environment
from atlas_desktop.storage.keys import KeyStore
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.ui.controllers.key_state import KeyState
from atlas_desktop.ui.controllers.notices import Notice
from atlas_desktop.ui.drops.drop_plan import plan_drop
from atlas_desktop.ui.model import AppModel
from tests.ui.billing_fakes import FakeGuard
from tests.unit.cues.stand_ins import NamedReader, look_at
from tests.unit.session.fakes import Bench, FakeSource, settle
from tests.unit.storage.rings import MemoryRing

QUICK = Timeouts(
    first_frame_s=0.5,
    late_create_s=0.05,
    end_s=0.1,
    leave_s=0.05,
    end_retry=RetryPolicy((0.04, 0.04, 5.0), (0.01,), max_attempts=3),
)


KEY = Environment(api_key="ak_environment")
Make = Callable[..., "ModelBench"]


class FakeRehearsal:
    """A local Atlas that needs no process."""

    def __init__(self) -> None:
        self.atlas = FakeSource(billed=False)

    async def source(self) -> SessionSource:
        return self.atlas


@dataclass
class ModelBench:
    """A model, what stands behind it, and what it has said.

    Attributes:
        notices: The notices that are up now, by id.
        raised: The ids of all notices, in the order in which they were raised.
        keys: Every state of the key that was told.
        opened: Kind, secret and address of each paid source that was opened.
    """

    folder: Path
    ring: MemoryRing = field(default_factory=MemoryRing)
    environment: Environment = field(default_factory=Environment)
    backend: str = ""
    guard: FakeGuard | None = None
    room: Bench = field(default_factory=lambda: Bench(playout=cast(Any, PlayoutControl())))
    atlas: FakeSource = field(default_factory=FakeSource)
    rehearsal: FakeRehearsal = field(default_factory=FakeRehearsal)
    notices: dict[str, Notice] = field(default_factory=dict)
    raised: list[str] = field(default_factory=list)
    keys: list[KeyState] = field(default_factory=list)
    opened: list[tuple[SourceKind, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.profile = Profile.at(self.folder)
        self.settings = SettingsStore(self.profile.settings_file, write_after_s=0.01)
        self.scope = TaskScope("bench")
        self.session = AtlasSession(dependencies=self.room.dependencies(), timeouts=QUICK)
        self.player = CuePlayer(self.session.speaker, self.scope, open_clip=NamedReader, probe_clip=look_at)
        self.model = AppModel(
            self.session,
            self.player,
            cast(Any, self.rehearsal),
            KeyStore("bench", self.environment.api_key, lambda: self.ring, limit_s=0.2),
            self.settings,
            self.environment,
            self.profile,
            self.scope,
            backend=self.backend,
            open_source=self.open_source,
            guard=cast(Any, self.guard),
        )
        self.model.notice_raised.connect(self.take_notice)
        self.model.notice_cleared.connect(lambda notice_id: self.notices.pop(notice_id, None))
        self.model.key_changed.connect(self.keys.append)

    def open_source(self, access: Access) -> SessionSource:
        self.opened.append((access.kind, access.secret, access.address))
        return self.atlas

    def take_notice(self, notice: Notice) -> None:
        self.raised.append(notice.id)
        self.notices[notice.id] = notice

    def press(self, notice_id: str) -> None:
        """Presses the first button of a notice, which goes then, as it does in the window."""
        self.notices.pop(notice_id).actions[0].intent()

    async def load(self) -> None:
        """Loads the model; waits until keyring and disk have answered."""
        self.model.load()
        await self.quiet()

    async def quiet(self) -> None:
        """Waits for what the model has begun, but for the clock of a cue."""
        async with asyncio.timeout(2):
            while any("position" not in task.get_name() for task in self.tasks()):
                await asyncio.sleep(0.002)

    def tasks(self) -> list[asyncio.Task[Any]]:
        return [task for task in asyncio.all_tasks() if task.get_name().startswith("bench.")]

    async def live(self) -> None:
        await settle(lambda: self.model.snapshot.is_live, 2.0)

    async def over(self) -> None:
        await settle(lambda: self.model.snapshot.is_over, 2.0)

    def speak(self) -> None:
        """The avatar's voice arrives, and the session hears of something."""
        self.session.audio.offer(np.full((480, 2), 9_000, np.int16), monotonic_us())
        self.room.room.listener.agent_state_changed("speaking")

    async def aclose(self) -> None:
        self.player.close()
        await self.session.aclose(1.0)
        await self.scope.aclose(1.0)
        await self.model.aclose()
        self.settings.close()


async def go_live(bench: ModelBench, mode: Mode = Mode.CONVERSATION) -> None:
    bench.model.set_mode(mode)
    bench.model.start()
    await bench.live()


def make_files(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).write_bytes(b"x")
    return [folder / name for name in names]


async def drop(bench: ModelBench, *paths: Path, text: str = "", picture: bytes = b"") -> None:
    """Gives as the window does, and waits until the disk has said what each is."""
    plan = plan_drop([path.as_uri() for path in paths], text, has_picture_data=bool(picture))
    bench.model.open_drop(plan, picture)
    await settle(lambda: not any(cue.is_reading for cue in bench.model.cues), 10.0)


def states(bench: ModelBench) -> list[CueState]:
    return [cue.state for cue in bench.model.cues]


def picture(edge_px: int = 80) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (edge_px, edge_px), "red").save(out, "PNG")
    return out.getvalue()


class FakeMicrophone:
    """A microphone that hears nothing."""

    finished = False

    def __init__(self, preroll_ms: int = 0) -> None:
        self.preroll_ms = preroll_ms

    def read(self) -> None:
        return None

    def close(self) -> None: ...
