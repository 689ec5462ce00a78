"""What can go wrong with models. Every message names the thing and the mend."""

from appliance.calls.errors import ApplianceError


class ModelStoreError(ApplianceError):
    """A model, a manifest, a lock file or a choice that cannot be used as it is."""

    code = "models.refused"


class TransferError(ModelStoreError):
    """A file did not arrive; what did is kept, and the next try goes on from there."""

    code = "models.transfer"
    retryable = True


class ChecksumError(ModelStoreError):
    """A file's bytes are not those that the manifest, the lock file or the server promise."""

    code = "models.checksum"


class DiskFullError(ModelStoreError):
    """The models directory's disk has no room for what is asked."""

    code = "models.disk_full"


class SmokeTestError(ModelStoreError):
    """A model did not load, died, or answered nonsense."""

    code = "models.smoke_test"
