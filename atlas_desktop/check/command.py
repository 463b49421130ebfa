"""The command ``check``: opens the window, makes the call, prints the report, returns the exit status."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from atlas_desktop import app
from atlas_desktop.logs import one_line, terminal_text
from atlas_desktop.options import CheckOptions, WindowOptions
from atlas_desktop.proxies import ProxySetting
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.settings import stored_proxy_setting
from atlas_desktop.storage.settings_store import SettingsStore

_DONE, _FAILED = 0, 1
_REPORT = "check.json"


def run(options: CheckOptions) -> int:
    """Make a test call and print its report; return 1 when picture or sound did not arrive."""

    async def script(program: app.Program) -> int:
        from atlas_desktop.check.call import MeasuredCall

        try:
            report = await MeasuredCall(program, options).make()
        except asyncio.CancelledError:
            sys.stderr.write("atlas-desktop: the test call was ended before it was done\n")
            raise
        if options.out is not None:
            (options.out / _REPORT).write_text(report.as_json() + "\n", encoding="utf-8")
        text = report.as_json() if options.as_json else terminal_text(report.as_text())
        sys.stdout.write(text + "\n")
        return _DONE if report.passed else _FAILED

    if options.out is not None:
        try:
            options.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            folder = one_line(str(options.out))
            sys.stderr.write(f"atlas-desktop: {folder} can't be used: {error.strerror}\n")
            return _FAILED
    window = WindowOptions(local=options.local, profile=options.profile)
    if options.profile is not None:
        return app.run(window, script)
    # A profile of its own, with the user's key and proxy: an open window and its settings are not touched.
    own = Profile.at(None)
    with TemporaryDirectory(prefix="atlas-desktop-check-", ignore_cleanup_errors=True) as folder:
        profile = Profile(Path(folder), own.name)
        give_proxy(stored_proxy_setting(own.settings_file), profile)
        return app.run(window, script, profile)


def give_proxy(setting: ProxySetting, profile: Profile) -> None:
    """Store the proxy of ``setting`` in the settings of a new ``profile``."""
    store = SettingsStore(profile.settings_file)
    store.change(proxy_mode=setting.mode, proxy_address=setting.address)
    store.close()
