import pytest

from atlas_desktop.local_atlas.rooms.access_tokens import Grant, TokenIssuer, TokenRefusedError


def test_a_token_brings_its_grant_back() -> None:
    issuer = TokenIssuer()
    grant = Grant("room_1", "ann", "Ann", can_publish=False, can_publish_data=False)
    assert issuer.read(issuer.issue(grant)) == grant
    assert grant.is_viewer
    assert not Grant("room_1", "ann").is_viewer


@pytest.mark.parametrize("token", ["", "no.jwt.here", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(TokenRefusedError):
        TokenIssuer().read(token)


def test_a_token_of_another_run_is_refused() -> None:
    with pytest.raises(TokenRefusedError):
        TokenIssuer().read(TokenIssuer().issue(Grant("room_1", "ann")))


def test_an_expired_token_is_refused() -> None:
    issuer = TokenIssuer()
    with pytest.raises(TokenRefusedError, match="expired"):
        issuer.read(issuer.issue(Grant("room_1", "ann"), life_s=-60))


@pytest.mark.parametrize("grant", [Grant("", "ann"), Grant("room_1", "")])
def test_a_token_without_room_or_identity_opens_nothing(grant: Grant) -> None:
    issuer = TokenIssuer()
    with pytest.raises(TokenRefusedError):
        issuer.read(issuer.issue(grant))
