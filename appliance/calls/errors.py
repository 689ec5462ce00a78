"""The errors of the appliance. Each names what failed, and says whether trying again can help."""


class ApplianceError(Exception):
    """Base of every error the appliance raises on purpose.

    Attributes:
        code: a short stable word for logs, metrics and the API, such as ``switch.timeout``.
        retryable: whether the same request may succeed later without anybody mending anything.
    """

    code = "appliance.error"
    retryable = False


class ConfigurationError(ApplianceError):
    """A setting, file or directory entry is wrong. The message names it and the mend."""

    code = "configuration"


class SwitchError(ApplianceError):
    """FreeSWITCH refused a command or said something that cannot be understood."""

    code = "switch.refused"


class SwitchTimeoutError(SwitchError):
    """FreeSWITCH did not answer in time. The command may or may not have been carried out."""

    code = "switch.timeout"
    retryable = True


class SwitchGoneError(SwitchError):
    """The Event Socket connection is closed; nothing more can be said on it."""

    code = "switch.gone"
    retryable = True


class InferenceError(ApplianceError):
    """A model could not answer: not loaded, out of reach, too slow, or it answered rubbish."""

    code = "inference.failed"
    retryable = True


class StorageError(ApplianceError):
    """The database is out of reach or refused a row."""

    code = "storage.failed"
    retryable = True
