"""One window a profile: a second launch hands its files to the first and goes.

``places`` says where the two meet, out of strangers' reach; ``doors`` listens and knocks there;
``handing_over`` is the second launch, ``server`` the first.
"""

from atlas_desktop.instance.handing_over import LaunchLock, ProfileBusyError, hand_over, is_in_use
from atlas_desktop.instance.places import addresses, socket_name
from atlas_desktop.instance.server import InstanceServer

__all__ = [
    "InstanceServer",
    "LaunchLock",
    "ProfileBusyError",
    "addresses",
    "hand_over",
    "is_in_use",
    "socket_name",
]
