"""The errors a user can meet. Each message is one sentence: the file, what is wrong, what to do."""


class QuietVoxelError(Exception):
    """Anything QuietVoxel says to its user; the command line prints it and exits with `exit_code`."""

    exit_code = 1


class BadInputError(QuietVoxelError):
    """The file or the value given cannot be used. Nothing was written."""

    exit_code = 2


class CancelledError(QuietVoxelError):
    """The user asked to stop, and it stopped."""

    exit_code = 3


class OutOfMemoryError(QuietVoxelError):
    """Not even the smallest tile fits into the memory of the device."""


class ModelError(BadInputError):
    """A weight file or its card is missing, damaged or does not fit the engine or modality."""
