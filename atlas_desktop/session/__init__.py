"""A session with an avatar, usable without a window: ``from atlas_desktop.session import AtlasSession``."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atlas_desktop.session.atlas_session import AtlasSession

__all__ = ["AtlasSession"]


def __getattr__(name: str) -> Any:
    # Imported on first use: the window's first page needs only the plain states of this package.
    if name in __all__:
        from atlas_desktop.session import atlas_session

        return getattr(atlas_session, name)
    raise AttributeError(name)
