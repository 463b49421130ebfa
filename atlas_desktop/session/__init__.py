"""A session with an avatar, usable without a window: ``from atlas_desktop.session import AtlasSession``."""

from atlas_desktop.session.atlas_session import AtlasSession

__all__ = ["AtlasSession"]
