"""The profile of a test call."""

from pathlib import Path

from atlas_desktop.check.command import give_proxy
from atlas_desktop.proxies import ProxyMode, ProxySetting
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.settings import stored_proxy_setting


def test_a_call_on_a_profile_of_its_own_goes_through_the_users_proxy(tmp_path: Path) -> None:
    profile = Profile(tmp_path, "default")
    setting = ProxySetting(ProxyMode.ADDRESS, "proxy.example:3128")
    give_proxy(setting, profile)
    assert stored_proxy_setting(profile.settings_file) == setting


def test_settings_that_are_not_there_or_damaged_mean_the_systems_proxy(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    assert stored_proxy_setting(file) == ProxySetting()
    for text in ("{", "[]", '{"proxy_mode": "odd", "proxy_address": 7}'):
        file.write_text(text, encoding="utf-8")
        assert stored_proxy_setting(file) == ProxySetting()
