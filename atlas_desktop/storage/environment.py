"""Environment variables that apply to one run and are never stored."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field

API_KEY = "ATLAS_API_KEY"
API_BASES = ("ATLAS_API_BASE", "ATLAS_API_URL")
"""Both spellings are in use; the first one that is set counts."""
BACKEND_URL = "ATLAS_BACKEND_URL"


@dataclass(frozen=True, slots=True)
class Environment:
    """The values of our environment variables; empty where unset. ``api_key`` is a secret.

    Source: the names used by Atlas's own programs.
    """

    api_key: str = field(default="", repr=False)
    api_base: str = ""
    backend_url: str = ""

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Environment":
        """Read the values from ``variables``, usually ``os.environ``."""
        bases = (variables.get(name, "").strip() for name in API_BASES)
        return cls(
            api_key=variables.get(API_KEY, ""),
            api_base=next((base for base in bases if base), ""),
            backend_url=variables.get(BACKEND_URL, "").strip(),
        )

    @classmethod
    def take(cls, variables: MutableMapping[str, str]) -> "Environment":
        """Read the values, and remove the key: child processes and native code must not see it."""
        taken = cls.read(variables)
        variables.pop(API_KEY, None)
        return taken
