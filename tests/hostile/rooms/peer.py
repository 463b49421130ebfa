"""A local Atlas whose room turns hostile: ``python -m tests.hostile.rooms.peer SEED``.

Its first line has base and key. Then each line on standard input, ``ATTACK COUNT``, is done to everybody in
its rooms, and answered when all of it has been sent.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from atlas_desktop.local_atlas.composition import LocalAtlas, serve
from atlas_desktop.local_atlas.interfaces import (
    AgentOutput,
    AvatarComponents,
    ConversationAgent,
    Pcm,
    RoomOptions,
)
from atlas_desktop.local_atlas.rooms.member import Member
from atlas_desktop.local_atlas.rooms.room import Room
from tests.hostile.rooms.attacks import ATTACKS, Attacker
from tests.unit.local_atlas.stand_ins import ToyAgent, ToyRenderer


class Taciturn(ToyAgent):
    """Says nothing by itself: after one text stream legacy segments would not be listened to."""

    def greet(self) -> None: ...

    def receive_audio(self, block: Pcm) -> None: ...


def create_avatar(mode: str, _face: bytes | None, output: AgentOutput) -> AvatarComponents:
    agent = Taciturn(output) if mode == "conversation" else ConversationAgent()
    return AvatarComponents(ToyRenderer(hums=False), agent)


class Door:
    """Knows who is in the rooms of a local Atlas.

    Attributes:
        members: Everybody whose media flows, of the newest room.
    """

    def __init__(self, atlas: LocalAtlas) -> None:
        self.members: list[Member] = []
        self._open = atlas.rooms.open
        setattr(atlas.rooms, "open", self._opened)  # noqa: B010 - a method of its own in place of the class's

    def _opened(self, session_id: str, mode: str, face: bytes | None, options: RoomOptions) -> Room:
        room = self._open(session_id, mode, face, options)
        self.members = []
        setattr(room, "connected", partial(self._connected, room.connected))  # noqa: B010
        return room

    def _connected(self, connected: Callable[[Member], None], member: Member) -> None:
        self.members.append(member)
        connected(member)


async def run(seed: int) -> None:
    """Serves until standard input ends."""
    atlas = await serve(create_avatar=create_avatar)
    door = Door(atlas)
    _say(base=atlas.base, key=atlas.key)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    number = 0
    while line := (await reader.readline()).decode().split():
        number += 1
        attacker = Attacker(f"{seed}/{number}", door.members[-1])
        await ATTACKS[line[0]](attacker, int(line[1]))
        await attacker.sent()
        _say(sent=attacker.count)
    await atlas.aclose()


def _say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1])))
