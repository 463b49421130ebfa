"""One window per profile: a second launch hands its files to the first and exits.

``socket_paths`` chooses socket paths out of other users' reach, ``listeners`` listens and connects there;
``second_launch`` is the second launch's side, ``instance_server`` the first's.
"""

from atlas_desktop.instance.instance_server import InstanceServer
from atlas_desktop.instance.second_launch import LaunchLock, ProfileBusyError, hand_over, is_in_use
from atlas_desktop.instance.socket_paths import addresses, socket_name

__all__ = [
    "InstanceServer",
    "LaunchLock",
    "ProfileBusyError",
    "addresses",
    "hand_over",
    "is_in_use",
    "socket_name",
]
