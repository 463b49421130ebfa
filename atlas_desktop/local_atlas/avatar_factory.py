"""Creates avatars: a renderer and, for a conversation, an agent whose name and voice fit the face."""

from atlas_desktop.local_atlas.agent.rehearsal_agent import RehearsalAgent
from atlas_desktop.local_atlas.agent.speech_synthesis import TextToSpeech, VoiceProfile, system_synthesizer
from atlas_desktop.local_atlas.avatar.avatar import Avatar
from atlas_desktop.local_atlas.avatar.shipped_faces import shipped_name
from atlas_desktop.local_atlas.interfaces import AgentOutput, AvatarComponents

_PROFILES = {
    "ada": VoiceProfile(),
    "mei": VoiceProfile("en-us+f4", 58, "Female", 220.0),
    "elias": VoiceProfile("en-us+m3", 38, "Male", 120.0),
}
_UNKNOWN_FACE = VoiceProfile("en-us+f2", 42, "Female", 165.0)


def create_avatar(mode: str, face: bytes | None, output: AgentOutput) -> AvatarComponents:
    """Create the avatar of a room: an ``AvatarFactory``. Takes a few milliseconds."""
    renderer = Avatar(face, mode)
    if mode != "conversation":
        return AvatarComponents(renderer)
    return AvatarComponents(renderer, RehearsalAgent(renderer, output, persona, face))


def persona(face: bytes | None) -> tuple[TextToSpeech, str]:
    """Return the voice and name that belong to a face; a face that is not shipped has no name."""
    name = shipped_name(face) or ""
    profile = _PROFILES.get(name, _UNKNOWN_FACE)
    return TextToSpeech(profile, system_synthesizer(profile)), name.capitalize()
