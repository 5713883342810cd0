"""What the domain refuses to do, and why. Only `config_api.web.errors` knows which answer of HTTP that is."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field


class FieldError(BaseModel):
    """What is wrong with one field, and what would be right; never the value that was sent."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="Path of the field, parts joined by dots; empty for the whole.")
    text: str


class DomainError(Exception):
    """Something that was asked for is not done. `title` is a headline, `detail` says what to do, both for people.

    `retry_after` in seconds, where a later try may succeed.
    """

    title = "Not possible"

    def __init__(
        self, detail: str = "", *, title: str = "", errors: Sequence[FieldError] = (), retry_after: int | None = None
    ) -> None:
        self.title = title or type(self).title
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after = retry_after
        super().__init__(f"{self.title}: {detail}" if detail else self.title)


class NotSignedIn(DomainError):
    """Nobody knows who asks, or what they showed is wrong."""

    title = "Sign in first"


class Forbidden(DomainError):
    """Who asks may not do this, or not from there."""

    title = "Not allowed"


class TooManyTries(DomainError):
    """Wrong too often; a later try may succeed."""

    title = "Too many wrong tries"


class VersionMissing(DomainError):
    """It is not said which version is to be changed."""

    title = "Say which version you mean"


class NotFound(DomainError):
    """It is not there, or not any more."""

    title = "Not found"


class Gone(DomainError):
    """It was there, and is kept no longer."""

    title = "No longer kept"


class Invalid(DomainError):
    """The request can be read, but not followed; each of `errors` names a field."""

    title = "Some fields are not right"


class Conflict(DomainError):
    """It does not fit the state that things are in."""

    title = "Not possible now"


class Changed(DomainError):
    """Somebody else changed it meanwhile."""

    title = "Changed meanwhile"


class TooLarge(DomainError):
    """It is larger than a limit."""

    title = "Too large"


class Unavailable(DomainError):
    """Somebody whom it needs is not there; a later try may succeed."""

    title = "Not available just now"


def not_found(noun: str) -> NotFound:
    """There is no such thing."""
    return NotFound(f"There is no such {noun}.")


def invalid(*errors: FieldError) -> Invalid:
    """What is wrong, field by field."""
    return Invalid("See errors for each field.", errors=errors)
