import pytest

from atlas_desktop.local_atlas.rooms.tokens import Grant, TokenDesk, TokenRefusedError


def test_a_token_brings_its_grant_back() -> None:
    desk = TokenDesk()
    grant = Grant("room_1", "ann", "Ann", can_publish=False, can_publish_data=False)
    assert desk.read(desk.issue(grant)) == grant
    assert grant.is_viewer
    assert not Grant("room_1", "ann").is_viewer


@pytest.mark.parametrize("token", ["", "no.jwt.here", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(TokenRefusedError):
        TokenDesk().read(token)


def test_a_token_of_another_run_is_refused() -> None:
    with pytest.raises(TokenRefusedError):
        TokenDesk().read(TokenDesk().issue(Grant("room_1", "ann")))


def test_an_expired_token_is_refused() -> None:
    desk = TokenDesk()
    with pytest.raises(TokenRefusedError, match="expired"):
        desk.read(desk.issue(Grant("room_1", "ann"), life_s=-60))


@pytest.mark.parametrize("grant", [Grant("", "ann"), Grant("room_1", "")])
def test_a_token_without_room_or_identity_opens_nothing(grant: Grant) -> None:
    desk = TokenDesk()
    with pytest.raises(TokenRefusedError):
        desk.read(desk.issue(grant))
