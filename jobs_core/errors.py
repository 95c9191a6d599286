"""What can go wrong, drawn as a tree.

    JobsError
    ├── UserError                 a mistake to correct: exit code 2
    │   ├── OptionError           an option, duration, time or id that is not understood
    │   ├── PayloadError          a payload that is too large, or that its runner refuses
    │   ├── RunnerError           a runner, policy or logger that nobody provides
    │   ├── NotFoundError         no such job, task or dead letter
    │   └── ExistsError           a job of that id exists already
    └── FaultError                something outside the user's control: exit code 1
        ├── ServerError           Redis is absent, loading, full or too old
        │   └── DeniedError       an ACL denies this user a command, or Redis is a read-only replica
        ├── StaleError            a lease token that no longer holds its task, a stage that is out of date
        ├── AgainError            a board file is being put in place
        ├── LayoutError           a board that another version of Jobs made
        └── PluginError           a plugin that fails to load, or clashes with another

Each error's text is one sentence that says what is wrong, where, and what to do about it. No error ever
quotes a payload.
"""


class JobsError(Exception):
    """The base of every error that Jobs raises on purpose."""

    exit_code = 1


class UserError(JobsError):
    """A mistake that the caller can correct.

    `option` names the option or argument that the error is about, such as `every`, `payload` or `id`; None
    if it is about none, or about several.
    """

    exit_code = 2
    option: str | None = None

    def __init__(self, *args: object, option: str | None = None) -> None:
        super().__init__(*args)
        if option is not None:
            self.option = option


class OptionError(UserError):
    """An option, duration, time or id that is not understood."""


class PayloadError(UserError):
    """A payload that is too large, or that its runner refuses."""

    option = "payload"


class RunnerError(UserError):
    """A runner, policy or logger that nobody provides."""

    option = "runner"


class NotFoundError(UserError):
    """No such job, task or dead letter."""


class ExistsError(UserError):
    """A job of that id exists already."""


class FaultError(JobsError):
    """Something outside the caller's control."""


class ServerError(FaultError):
    """Redis is absent, loading, full or too old."""


class DeniedError(ServerError):
    """An ACL denies this user a command, or Redis is a read-only replica."""


class StaleError(FaultError):
    """A lease token that no longer holds its task, since another attempt has it or has ended it; or a board
    that was changed while a board file was compared with it."""


class AgainError(FaultError):
    """A board file is being put in place: the client helps, and tries again by itself."""


class LayoutError(FaultError):
    """A board that another version of Jobs made, and that this one cannot read."""


class PluginError(FaultError):
    """A plugin that fails to load, or that clashes with another."""
