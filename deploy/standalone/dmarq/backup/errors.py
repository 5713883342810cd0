"""What can go wrong with a backup."""

from dmarq.embedded import EmbeddedError


class BackupError(EmbeddedError):
    """A backup cannot be made or restored; its text is fit for a user."""
