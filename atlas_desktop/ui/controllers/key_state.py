"""State of the key or backend, as the start page shows it before the key's controller is loaded."""

from dataclasses import dataclass
from enum import StrEnum


class KeyKind(StrEnum):
    """What is known about the key."""

    NONE = "none"
    CHECKING = "checking"
    KEYRING = "keyring"
    ENVIRONMENT = "environment"
    MEMORY = "memory"
    REFUSED = "refused"
    BACKEND = "backend"


@dataclass(frozen=True, slots=True)
class KeyState:
    """The key, or the backend in place of one; never the key itself.

    Attributes:
        kind: What is known about it. ``CHECKING``: given, used, not yet answered by Atlas.
        reason: One sentence: why it is only in memory, why it was refused, or why none could be looked for.
        backend_url: Address of the backend in use, with ``BACKEND``.
        from_environment: The backend comes from ``ATLAS_BACKEND_URL`` or the command line.
    """

    kind: KeyKind = KeyKind.NONE
    reason: str = ""
    backend_url: str = ""
    from_environment: bool = False

    @property
    def usable(self) -> bool:
        """Whether *Start* has something to start with."""
        return self.kind not in (KeyKind.NONE, KeyKind.REFUSED)
