"""What the guard costs: memory, CPU, and the time it adds to *Start*, or takes off it."""

import asyncio
import os
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from atlas_desktop.api.access import Access
from atlas_desktop.api.http_source import AtlasSource
from atlas_desktop.api.source import Mode, SessionSource, SourceKind
from atlas_desktop.session.guard_client import GuardClient
from tests.bench.figures import Figure, at_least, at_most
from tests.bench.runs import open_program
from tests.bench.tls_relay import TlsRelay
from tests.desk.children import child_as
from tests.e2e.program import LocalAtlas, local_atlas
from tests.unit.tls import server_context

_SETTLE_S = 5.0
_WATCH_S = 20.0
_SESSIONS = 15
_MEMORY_AIM_MB, _CPU_AIM_PERCENT, _ADDED_AIM_MS, _WARM_AIM_MS = 40, 0.1, 20, 15
_WARM_AGAIN_S = 2.0
"""After a request the next connection is negotiated by then."""


def guard(env: Mapping[str, str]) -> list[Figure]:
    """The guard of an idle window, and of one session; a create with it and, in turn, without."""
    with open_program(env) as pid:
        time.sleep(_SETTLE_S)
        own = child_as("guard", pid)
        memory = own.memory_full_info()
        idle_percent = _cpu_percent(own)
    with TemporaryDirectory(prefix="bench-") as name, local_atlas(env, Path(name) / "local.log") as atlas:
        direct_ms, guarded_ms, held_percent = asyncio.run(_sessions(Path(name), atlas))
        warm_ms, cold_ms = _over_tls(Path(name) / "tls", atlas)
    added_ms = at_most(
        "a session asked for: by the guard, more than directly",
        guarded_ms - direct_ms,
        "ms",
        _ADDED_AIM_MS,
    )
    return [
        at_most("guard: memory by itself (RSS)", memory.rss / 1e6, "MB", _MEMORY_AIM_MB),
        Figure("guard: memory beside the window (PSS)", memory.pss / 1e6, "MB"),
        at_most("guard: CPU while nothing is paid", idle_percent, "%", _CPU_AIM_PERCENT),
        at_most("guard: CPU while a session is held", held_percent, "%", _CPU_AIM_PERCENT),
        replace(added_ms, peer="directly", peer_value=direct_ms),
        at_least("a session over TLS: less by a warm connection", cold_ms - warm_ms, "ms", _WARM_AIM_MS),
        Figure("a session over TLS, warm", warm_ms, "ms", peer="cold", peer_value=cold_ms),
    ]


async def _sessions(folder: Path, atlas: LocalAtlas) -> tuple[float, float, float]:
    """Medians of a create directly and by the guard; the guard's CPU while one is held."""
    guard = GuardClient(folder, on_error=lambda _error: None)
    await guard.start()
    direct = AtlasSource(atlas.key, atlas.base)
    guarded = guard.open(Access(SourceKind.ATLAS, atlas.key, atlas.base))
    times_ms: dict[SessionSource, list[float]] = {direct: [], guarded: []}
    for source in (direct, guarded) * _SESSIONS:
        times_ms[source].append(await _created_ms(source))
    grant = await guarded.create(Mode.PASSTHROUGH, None)
    assert guard.pid is not None
    held_percent = await asyncio.to_thread(_cpu_percent, psutil.Process(guard.pid))
    await guarded.end(grant.session_id)
    await guard.aclose()
    await direct.aclose()
    return statistics.median(times_ms[direct]), statistics.median(times_ms[guarded]), held_percent


def _over_tls(folder: Path, atlas: LocalAtlas) -> tuple[float, float]:
    """Medians of a create over TLS, with a warm connection and, in turn, without."""
    folder.mkdir()
    context, trusted = server_context("127.0.0.1", folder)
    port = int(atlas.base.rpartition(":")[2])
    with TlsRelay(port, context) as relay, _trusting(trusted):
        return asyncio.run(_warm_and_cold(f"https://127.0.0.1:{relay.port}", atlas.key))


async def _warm_and_cold(base: str, key: str) -> tuple[float, float]:
    # Not by the guard, which keeps every source warm: on loopback the next connection is there at once.
    warm, cold = AtlasSource(key, base), AtlasSource(key, base)
    warm.keep_warm()
    warm_ms: list[float] = []
    cold_ms: list[float] = []
    for _ in range(_SESSIONS):
        await asyncio.sleep(_WARM_AGAIN_S)
        warm_ms.append(await _created_ms(warm))
        cold_ms.append(await _created_ms(cold))
    for source in (warm, cold):
        await source.aclose()
    return statistics.median(warm_ms), statistics.median(cold_ms)


@contextmanager
def _trusting(certificates: Path) -> Iterator[None]:
    """Has the guards that are started meanwhile trust these."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(certificates)
    try:
        yield
    finally:
        os.environ.pop("SSL_CERT_FILE")
        if before is not None:
            os.environ["SSL_CERT_FILE"] = before


async def _created_ms(source: SessionSource) -> float:
    began_s = time.monotonic()
    grant = await source.create(Mode.PASSTHROUGH, None)
    took_ms = (time.monotonic() - began_s) * 1000
    await source.end(grant.session_id)
    return took_ms


def _cpu_percent(process: psutil.Process) -> float:
    before, began_s = process.cpu_times(), time.monotonic()
    time.sleep(_WATCH_S)
    after = process.cpu_times()
    cpu_s = after.user + after.system - before.user - before.system
    return 100 * cpu_s / (time.monotonic() - began_s)
