"""What stands in for keys, journals and services where no process is needed."""

import asyncio
from datetime import UTC, datetime

from atlas_desktop.api.address import DEFAULT_BASE
from atlas_desktop.api.lazy_source import LazySource
from atlas_desktop.api.source import Mode, SessionGrant, SessionSource
from atlas_desktop.sessions_cli.credentials import CredentialResolver
from atlas_desktop.storage import billing_entry as records
from atlas_desktop.storage.billing_entry import BillingEntry
from atlas_desktop.storage.billing_replay import fold
from atlas_desktop.storage.environment import Environment
from atlas_desktop.storage.keys import KeyStore
from tests.unit.sessions_cli.desk import STRANGER
from tests.unit.storage.rings import MemoryRing


class SilentSource(LazySource):
    """Never answers."""

    def __init__(self) -> None:
        async def opened() -> SessionSource:
            await asyncio.Event().wait()
            raise AssertionError

        super().__init__("x", True, opened)


def credentials(ring: MemoryRing, backend: str = "", **variables: str) -> CredentialResolver:
    environment = Environment.read(variables)
    return CredentialResolver(environment, KeyStore("p", environment.api_key, lambda: ring), backend)


def entry(secret: str, kind: str = "atlas", address: str = DEFAULT_BASE) -> BillingEntry:
    now = datetime.now(UTC)
    ask = records.asked("g", kind, address, secret, Mode.CONVERSATION, now)
    grant = SessionGrant(STRANGER, "wss://x", "t")
    return fold([ask, records.granted(ask["key"], grant, now)])[0]
