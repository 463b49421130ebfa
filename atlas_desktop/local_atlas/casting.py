"""Casts the avatars: a body, and for conversation a mind whose name and voice fit the face."""

from atlas_desktop.local_atlas.avatar.avatar import Avatar
from atlas_desktop.local_atlas.avatar.sprites import shipped_name
from atlas_desktop.local_atlas.mind.mind import RehearsalMind
from atlas_desktop.local_atlas.mind.voice import Timbre, Voice, system_synthesizer
from atlas_desktop.local_atlas.stage import Cast, Stage

_TIMBRES = {
    "ada": Timbre(),
    "mei": Timbre("en-us+f4", 58, "Female", 220.0),
    "elias": Timbre("en-us+m3", 38, "Male", 120.0),
}
_STRANGER = Timbre("en-us+f2", 42, "Female", 165.0)


def cast(mode: str, face: bytes | None, stage: Stage) -> Cast:
    """Makes the avatar of a room: a ``stage.Casting``. Takes a few milliseconds."""
    if mode != "conversation":
        return Cast(Avatar(face, mode))
    body = _Speaker(face, mode)
    mind = body.mind = RehearsalMind(body, stage, *persona(face))
    return Cast(body, mind)


def persona(face: bytes | None) -> tuple[Voice, str]:
    """The voice and the name that go with a face; a face that is none of ours has no name."""
    name = shipped_name(face) or ""
    timbre = _TIMBRES.get(name, _STRANGER)
    return Voice(timbre, system_synthesizer(timbre)), name.capitalize()


class _Speaker(Avatar):
    """An avatar whose mind takes on the person of each new face."""

    mind: RehearsalMind | None = None

    def set_face(self, face: bytes) -> None:
        """Wears another face, and speaks as that person from the next answer on."""
        super().set_face(face)
        if self.mind is not None:
            self.mind.become(*persona(face))
