"""Access tokens of rooms: LiveKit's JWTs, signed with a secret that lives as long as this process.

Source: https://docs.livekit.io/home/get-started/authentication/
"""

import secrets
import time
from dataclasses import dataclass
from typing import Any

import jwt

from atlas_desktop.errors import N_, AppError

_ALGORITHM = "HS256"
_ISSUER = "local-atlas"
_LEEWAY_S = 10
_MAX_TOKEN_CHARS = 4_096  # ours have some 400
TOKEN_LIFE_S = 6 * 3600  # longer than the default limit of a session


class TokenRefusedError(AppError):
    """A token that is foreign, expired, or grants no room."""

    code = "token_refused"
    title = N_("The room's token was refused: {detail}")


@dataclass(frozen=True, slots=True)
class Grant:
    """The permissions of a token's holder."""

    room: str
    identity: str
    name: str = ""
    can_publish: bool = True
    can_publish_data: bool = True

    @property
    def is_viewer(self) -> bool:
        """Whether the holder may only subscribe."""
        return not (self.can_publish or self.can_publish_data)


class TokenIssuer:
    """Issues and verifies the tokens of all rooms of this process."""

    def __init__(self) -> None:
        self._secret = secrets.token_hex(32)

    def issue(self, grant: Grant, life_s: float = TOKEN_LIFE_S) -> str:
        """Return a signed token for ``grant``, valid for ``life_s`` from now."""
        now_s = int(time.time())
        claims = {
            "iss": _ISSUER,
            "sub": grant.identity,
            "name": grant.name,
            "nbf": now_s,
            "exp": now_s + int(life_s),
            "video": {
                "roomJoin": True,
                "room": grant.room,
                "canSubscribe": True,
                "canPublish": grant.can_publish,
                "canPublishData": grant.can_publish_data,
            },
        }
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def read(self, token: str) -> Grant:
        """Verify ``token`` and return its grant.

        Raises:
            TokenRefusedError: It was not issued here, is expired, or names no room or identity.
        """
        if len(token) > _MAX_TOKEN_CHARS:
            raise TokenRefusedError(detail="it is too long")
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise TokenRefusedError(detail=ascii(str(error))[1:-1]) from error
        except (ValueError, TypeError, RecursionError) as error:
            # PyJWT lets these through over lone surrogates and deeply nested JSON.
            raise TokenRefusedError(detail=type(error).__name__) from error
        return _grant(claims)


def _grant(claims: dict[str, Any]) -> Grant:
    video = claims.get("video") or {}
    if not video.get("roomJoin") or not video.get("room") or not claims["sub"]:
        raise TokenRefusedError(detail="it opens no room")
    return Grant(
        room=video["room"],
        identity=claims["sub"],
        name=claims.get("name", ""),
        can_publish=bool(video.get("canPublish", True)),
        can_publish_data=bool(video.get("canPublishData", True)),
    )
