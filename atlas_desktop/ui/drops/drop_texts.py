"""The texts of the drop overlay, as templates. Pure."""

from dataclasses import dataclass
from pathlib import Path

from atlas_desktop.api.source import Mode
from atlas_desktop.errors import N_, shown_name
from atlas_desktop.ui.drops.drop import DropPlan

ACCEPTED = N_("Accepted: sound and video files, folders of them, a PNG, JPEG or WebP picture, text.")


@dataclass(frozen=True, slots=True)
class DropContext:
    """Mode and state that decide what a drop does."""

    mode: Mode
    is_live: bool = False
    has_session: bool = False


@dataclass(frozen=True, slots=True)
class DropText:
    """Templates with their parameters: a headline, a line below it, and which icon goes with them."""

    icon: str
    headline: str
    detail: str
    params: dict[str, object]


def words_for(plan: DropPlan, context: DropContext) -> DropText:
    """Return the texts for what ``plan`` would do in ``context``."""
    refused = ", ".join(plan.all_refused[:3]) + (" …" if len(plan.all_refused) > 3 else "")
    params: dict[str, object] = {"refused": refused}
    if plan.audio:
        first = plan.audio[0]
        params |= {
            "count": len(plan.audio),
            "name": shown_name(first.name or first),
            "face": _face_name(plan),
        }
        if len(plan.audio) > 1 and plan.unknown:
            headline = N_("Drop to speak them all, in this order")
        elif len(plan.audio) > 1:
            headline = N_("Drop to speak all {count}, in this order")
        elif first in plan.unknown:
            headline = N_("Drop to speak the sound in “{name}”")
        else:
            headline = N_("Drop to speak")
        return DropText("speak", headline, _audio_detail(plan, context), params)
    if plan.gives_face:
        params["name"] = _face_name(plan)
        detail = N_("{name}, from the next session on") if context.has_session else N_("{name}")
        if plan.all_refused:
            detail = N_("Not accepted: {refused}")
        return DropText("picture", N_("Becomes the face"), detail, params)
    if plan.message:
        waits = "" if context.has_session else N_("It waits in the message box of the next session")
        return DropText("transcript", N_("Becomes the message"), waits, params)
    if plan.all_refused:
        return DropText("blocked", N_("Not accepted: {refused}"), ACCEPTED, params)
    return DropText("blocked", N_("Not accepted"), ACCEPTED, params)


def _audio_detail(plan: DropPlan, context: DropContext) -> str:
    if plan.all_refused and plan.gives_face:
        return N_("{face} becomes the face. Not accepted: {refused}")
    if plan.all_refused:
        return N_("Not accepted: {refused}")
    if plan.gives_face:
        return N_("{face} becomes the face")
    if context.has_session and context.mode is Mode.CONVERSATION:
        return N_("It waits in the strip: speaking a file needs passthrough")
    if not context.is_live:
        return N_("It waits in the strip and is spoken as soon as the avatar is live")
    return N_("{name}") if len(plan.audio) == 1 else ""


def _face_name(plan: DropPlan) -> str:
    if plan.face is not None:
        return shown_name(plan.face.name)
    return Path(plan.face_url).name if plan.face_url else "Picture"
