"""The environment's say: names that are honoured for one run and never stored."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field

API_KEY = "ATLAS_API_KEY"
API_BASES = ("ATLAS_API_BASE", "ATLAS_API_URL")
"""Both spellings are in use; the first one that is set counts."""
BACKEND_URL = "ATLAS_BACKEND_URL"


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment asks for; empty where it says nothing. ``api_key`` is a secret.

    Source: the names in use by Atlas's own programs.
    """

    api_key: str = field(default="", repr=False)
    api_base: str = ""
    backend_url: str = ""

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Environment":
        """Reads it from ``variables``, usually ``os.environ``."""
        bases = (variables.get(name, "").strip() for name in API_BASES)
        return cls(
            api_key=variables.get(API_KEY, ""),
            api_base=next((base for base in bases if base), ""),
            backend_url=variables.get(BACKEND_URL, "").strip(),
        )

    @classmethod
    def take(cls, variables: MutableMapping[str, str]) -> "Environment":
        """Reads it, and leaves no key there: for what is started later, and for native code."""
        taken = cls.read(variables)
        variables.pop(API_KEY, None)
        return taken
