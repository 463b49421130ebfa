"""Whether this computer can be met in a room at all."""

import socket

_FAMILIES = (socket.AF_INET, socket.AF_INET6)


def has_interface() -> bool:
    """Whether an interface other than loopback is up and has an address.

    LiveKit's WebRTC opens no socket on loopback and then waits until its time is out; asking first
    makes that one clear sentence, before anything is billed. Takes about a millisecond, the first time 40.
    """
    # Not at the top: the window is painted before anybody asks.
    import psutil

    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    addresses = psutil.net_if_addrs()
    return any(
        address.family in _FAMILIES and not _is_loopback(address.address)
        for name in up
        for address in addresses.get(name, ())
    )


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"
