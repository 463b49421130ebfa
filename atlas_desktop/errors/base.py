"""The base of all errors, and those of no particular part."""

from typing import Any, ClassVar

from atlas_desktop.redaction import known


def N_(template: str) -> str:  # noqa: N802 - gettext's name for "to be translated", known to lupdate
    """Mark ``template`` for translation and return it unchanged."""
    return template


class AppError(Exception):
    """An error that can be shown to the user.

    Attributes:
        code: Stable name, snake_case; a notice of the same code replaces the earlier one.
        title: What happened: an English template.
        advice: What to do about it: an English template, may be empty.
        params: Values of the templates' named parameters. Never a key, a token or spoken words.
        retryable: Whether the same action may succeed when simply tried again.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = N_("Something went wrong")
    advice: ClassVar[str] = ""
    retryable: ClassVar[bool] = False
    defaults: ClassVar[dict[str, Any]] = {}

    def __init__(self, **params: Any) -> None:
        self.params: dict[str, Any] = {**self.defaults, **params}
        super().__init__(str(self))

    def __str__(self) -> str:
        """Return one English line: the title and the advice, if any; secrets in use are redacted."""
        # Only parameters: a password may equal a word of the template.
        params = {
            name: known.blank(value) if isinstance(value, str) else value
            for name, value in self.params.items()
        }
        text = self.title.format(**params)
        return f"{text}. {self.advice.format(**params)}" if self.advice else text

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.params)


def _rebuild(kind: type[AppError], params: dict[str, Any]) -> AppError:
    return kind(**params)


class BugError(AppError):
    """A bug of ours. The cause is chained (``__cause__``) and logged; ``where`` names the task."""

    code = "bug"
    title = N_("Something unexpected happened in {where}")
    advice = N_("The rest goes on. A report is in the log.")
    defaults: ClassVar[dict[str, Any]] = {"where": ""}


class KeyringError(AppError):
    """The OS keyring is locked, absent or silent."""

    code = "keyring"
    title = N_("This computer's keyring can't be used ({detail})")
    advice = N_("The key is kept for this run only, in memory.")
    retryable = True
    defaults: ClassVar[dict[str, Any]] = {"detail": ""}


class NoKeyError(AppError):
    code = "no_key"
    title = N_("A session needs an API key or a backend")
    advice = N_("Paste your key, or try a rehearsal: it is free.")


class ChildError(AppError):
    """A child process did not start or died. ``role`` is its name, ``detail`` its last line on stderr."""

    code = "child"
    title = N_("The local Atlas did not start: {detail}")
    retryable = True
    defaults: ClassVar[dict[str, Any]] = {"role": "", "detail": ""}
