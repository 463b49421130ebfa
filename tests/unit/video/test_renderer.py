"""Choice of the renderer, from setting, environment, hardware and driver. No Qt, no OpenGL."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from atlas_desktop.storage.driver_crash_mark import DriverCrashMark
from atlas_desktop.storage.settings import RendererSetting
from atlas_desktop.video.gl_driver import GlError, graphics_card, is_software
from atlas_desktop.video.renderer import ENV_VAR, RendererChoice, make_surface, select_renderer

DRIVER, MESA = "A Card · 4.6 · A Maker", "llvmpipe (LLVM 15) · 4.5 · Mesa/X.org"
CARD, NONE = "this machine", ""
RASTER, GL = {ENV_VAR: "raster"}, {ENV_VAR: "gl"}
_DIES = """
import asyncio, os, signal, sys
from pathlib import Path
from atlas_desktop.storage.driver_crash_mark import DriverCrashMark
from atlas_desktop.storage.settings import RendererSetting
from atlas_desktop.video.renderer import select_renderer

def probe():
    os.kill(os.getpid(), signal.SIGKILL)

mark, environment = DriverCrashMark(Path(sys.argv[1])), dict([sys.argv[2:]] if sys.argv[2:] else [])
asyncio.run(select_renderer(mark, RendererSetting.AUTO, environment, probe, "this machine"))
"""


@pytest.fixture
def mark(tmp_path: Path) -> DriverCrashMark:
    return DriverCrashMark(tmp_path)


def never() -> str:
    raise AssertionError("OpenGL was touched")


def broken() -> str:
    raise GlError("no OpenGL context can be made")


def selected(
    mark: DriverCrashMark,
    probe: Callable[[], str] = never,
    setting: RendererSetting = RendererSetting.AUTO,
    environment: dict[str, str] | None = None,
    card: str = CARD,
) -> RendererChoice:
    return asyncio.run(select_renderer(mark, setting, environment or {}, probe, card))


def crash(folder: Path, *environment: str) -> None:
    """A program that its driver kills while it is probed."""
    done = subprocess.run([sys.executable, "-c", _DIES, str(folder), *environment], timeout=30, check=False)
    assert done.returncode < 0


def test_automatic_is_the_card_where_its_driver_is_a_real_one(mark: DriverCrashMark) -> None:
    assert selected(mark, lambda: DRIVER) == RendererChoice(use_gl=True)
    assert mark.is_set()


def test_without_a_card_opengl_is_not_even_loaded(mark: DriverCrashMark) -> None:
    assert selected(mark, never, card=NONE) == RendererChoice()
    assert not mark.is_set()


def test_never_on_a_software_renderer_unless_forced(mark: DriverCrashMark) -> None:
    assert selected(mark, lambda: MESA) == RendererChoice()
    assert not mark.is_set()
    assert selected(mark, lambda: MESA, RendererSetting.GL, card=NONE).use_gl
    mark.clear()
    assert selected(mark, lambda: MESA, environment=GL, card=NONE).use_gl


@pytest.mark.parametrize(
    "name",
    [
        "llvmpipe (LLVM 15.0.6, 256 bits)",
        "softpipe",
        "Software Rasterizer",
        "SWR (LLVM 12.0.0, 256 bits)",
        "virgl (LLVMPIPE (LLVM 15.0.6, 256 bits))",
        "zink Vulkan 1.3(llvmpipe (LLVM 17.0.6, 256 bits) (MESA_LLVMPIPE))",
        "Google SwiftShader",
        "ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)",
        "Apple Software Renderer",
        "D3D12 (Microsoft Basic Render Driver)",
        "GDI Generic",
    ],
)
def test_software_is_known_by_its_name(name: str) -> None:
    assert is_software(f"{name} · 4.5 · A Maker")


@pytest.mark.parametrize(
    "name",
    [
        "Mesa Intel(R) UHD Graphics 620 (KBL GT2)",
        "AMD Radeon RX 6600 (radeonsi, navi23, LLVM 17.0.6, DRM 3.57, 6.8.0)",
        "NVIDIA GeForce RTX 3060/PCIe/SSE2",
        "virgl (AMD Radeon RX 6600 (radeonsi, navi23, LLVM 17.0.6))",
        "SVGA3D; build: RELEASE;  LLVM;",
        "D3D12 (NVIDIA GeForce RTX 3060)",
        "V3D 4.2",
        "Apple M1",
    ],
)
def test_a_card_is_no_software(name: str) -> None:
    assert not is_software(f"{name} · 4.5 · A Maker")


def test_the_environment_beats_the_setting(mark: DriverCrashMark) -> None:
    assert not selected(mark, setting=RendererSetting.GL, environment=RASTER).use_gl
    assert not selected(mark, setting=RendererSetting.RASTER).use_gl
    assert selected(mark, lambda: DRIVER, RendererSetting.RASTER, GL).use_gl
    mark.clear()
    assert selected(mark, lambda: DRIVER, environment={ENV_VAR: "what"}).use_gl


def test_without_opengl_the_processor_paints(mark: DriverCrashMark) -> None:
    for setting in (RendererSetting.GL, RendererSetting.AUTO):
        assert selected(mark, broken, setting) == RendererChoice()
        assert not mark.is_set()


def test_where_no_mark_can_be_left_nothing_is_tried(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert not selected(DriverCrashMark(tmp_path / "file"), environment=GL).use_gl


def test_a_driver_that_crashes_is_not_tried_again_and_that_is_said_once(
    mark: DriverCrashMark, tmp_path: Path
) -> None:
    crash(tmp_path)
    assert selected(mark) == RendererChoice(crashed=True)
    assert selected(mark) == RendererChoice()
    assert selected(mark, lambda: DRIVER, card="another card") == RendererChoice(use_gl=True)


def test_a_setting_that_crashed_the_program_no_longer_holds(mark: DriverCrashMark, tmp_path: Path) -> None:
    crash(tmp_path, ENV_VAR, "gl")
    assert selected(mark, setting=RendererSetting.GL) == RendererChoice(crashed=True)


def test_after_a_crash_the_environment_still_forces_it(mark: DriverCrashMark, tmp_path: Path) -> None:
    crash(tmp_path, ENV_VAR, "gl")
    assert selected(mark, lambda: DRIVER, environment=GL).use_gl


@pytest.mark.skipif(sys.platform != "linux", reason="other systems name no hardware without OpenGL")
def test_the_card_is_named_by_what_the_system_says(tmp_path: Path) -> None:
    nowhere = tmp_path / "nothing"
    device = tmp_path / "drm" / "card0" / "device"
    device.mkdir(parents=True)
    (device / "uevent").write_text("DRIVER=i915\nPCI_ID=8086:1234\nMODALIAS=x\n", "utf-8")
    # A display alone: the driver of a server's board, or of a simple virtual machine.
    assert graphics_card(tmp_path / "drm", nowhere, nowhere) == ""
    (tmp_path / "drm" / "renderD128").mkdir()
    assert graphics_card(tmp_path / "drm", nowhere, nowhere) == "Linux · DRIVER=i915 · PCI_ID=8086:1234"
    (tmp_path / "version").write_text("NVRM version: 550.1\nGCC\n", "utf-8")
    assert graphics_card(nowhere, tmp_path / "version", nowhere) == "Linux · NVRM version: 550.1"
    assert graphics_card(nowhere, nowhere, tmp_path / "drm") == "Linux"


def test_no_surface_is_made_for_the_processor() -> None:
    assert make_surface(RendererChoice(), None) is None  # type: ignore[arg-type]


class SlowMark(DriverCrashMark):
    """Lies on a disk that takes its time over one call."""

    def __init__(self, folder: Path, slow: str) -> None:
        super().__init__(folder)
        self.answers = threading.Event()
        self.threads: set[threading.Thread] = set()
        self.slow = slow

    def wait(self, what: str) -> None:
        self.threads.add(threading.current_thread())
        assert what != self.slow or self.answers.wait(20)

    def is_set(self) -> bool:
        self.wait("is_set")
        return super().is_set()

    def set(self) -> bool:
        self.wait("set")
        return super().set()

    def clear(self) -> None:
        self.wait("clear")
        super().clear()


@pytest.fixture(params=["is_set", "set", "none"])
def slow_mark(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SlowMark]:
    mark = SlowMark(tmp_path, request.param)
    yield mark
    mark.answers.set()


async def test_the_disk_is_asked_in_another_thread_and_the_driver_in_this_one(slow_mark: SlowMark) -> None:
    asked: list[threading.Thread] = []

    def probe() -> str:
        asked.append(threading.current_thread())
        return DRIVER

    selecting = asyncio.ensure_future(select_renderer(slow_mark, RendererSetting.GL, {}, probe, CARD))
    # The loop goes on meanwhile: it is what lets the disk answer.
    await asyncio.sleep(0)
    slow_mark.answers.set()
    assert await selecting == RendererChoice(use_gl=True)
    assert asked == [threading.main_thread()]
    assert threading.main_thread() not in slow_mark.threads
    assert slow_mark.is_set()


@pytest.mark.parametrize("slow_mark", ["is_set", "set"], indirect=True)
async def test_a_disk_that_does_not_answer_costs_opengl_and_leaves_no_mark(slow_mark: SlowMark) -> None:
    cleared = threading.Event()
    clear = slow_mark.clear
    slow_mark.clear = lambda: (clear(), cleared.set())[0]  # type: ignore[method-assign, func-returns-value]
    choice = await select_renderer(slow_mark, RendererSetting.GL, {}, never, CARD, limit_s=0.05)
    assert choice == RendererChoice()
    slow_mark.answers.set()
    assert await asyncio.to_thread(cleared.wait, 10)
    assert not slow_mark.is_set()


async def test_a_mark_that_can_not_be_removed_in_time_holds_nobody(tmp_path: Path) -> None:
    mark = SlowMark(tmp_path, "clear")
    choice = await select_renderer(mark, RendererSetting.AUTO, {}, lambda: MESA, CARD, limit_s=1.0)
    assert choice == RendererChoice()
    mark.answers.set()
