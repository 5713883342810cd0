"""A data directory as one file, and back: made in full or not at all, encrypted on demand."""

from dmarq.embedded import EmbeddedError


class BackupError(EmbeddedError):
    """A backup cannot be made or restored; its text is fit for a user."""
