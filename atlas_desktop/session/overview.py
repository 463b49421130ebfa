"""All that is shown of a session, gathered from the parts that know it."""

from atlas_desktop.api.source import Mode
from atlas_desktop.session.chat import Chat
from atlas_desktop.session.keeper import Keeper
from atlas_desktop.session.life import Connecting, Live, Reconnecting
from atlas_desktop.session.lifecycle import Lifecycle
from atlas_desktop.session.room_watch import RoomWatch
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.speech import Speech
from atlas_desktop.session.vitals import Vitals


def overview(
    lifecycle: Lifecycle, keeper: Keeper, vitals: Vitals, speech: Speech, chat: Chat, watch: RoomWatch
) -> SessionSnapshot:
    """The snapshot of this moment."""
    life, run = lifecycle.life, lifecycle.run
    live = isinstance(life, Live)
    standing = keeper.standing
    present = live or isinstance(life, Reconnecting)
    return SessionSnapshot(
        life=life,
        mode=run.request.mode if run is not None else Mode.CONVERSATION,
        billed=run.request.source.billed if run is not None else True,
        source_label=run.request.source.label if run is not None else "",
        elapsed_s=run.cost.elapsed_s if run is not None else 0.0,
        cost_usd=run.cost.cost_usd if run is not None else None,
        price_per_hour_usd=run.cost.price_per_hour_usd if run is not None else None,
        rtt_ms=vitals.rtt_ms if present else None,
        agent_state=vitals.agent_state if present else None,
        microphone=speech.microphone,
        microphone_wanted=speech.microphone_wanted,
        speaking=present and (vitals.speaking or speech.playing),
        frozen=live and vitals.frozen and not watch.is_picture_muted,
        gone_s=watch.gone_s if live else 0.0,
        voice_muted=present and watch.is_muted,
        connecting_s=run.age_s if run is not None and isinstance(life, Connecting) else 0.0,
        waited_s=lifecycle.waited_s,
        unsent=chat.unsent,
        not_sent=chat.not_sent,
        allowance=standing.allowance,
        left_s=standing.left_s,
        allowed_usd=standing.allowed_usd,
        limit_near=standing.limit_near,
        limit_last=standing.limit_last,
        can_extend=standing.can_extend,
        idle_left_s=standing.idle_left_s,
    )
