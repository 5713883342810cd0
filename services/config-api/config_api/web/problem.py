"""What went wrong, for a program and for a person: `application/problem+json` (RFC 9457)."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from config_api.errors import FieldError

__all__ = ["MEDIA_TYPE", "FieldError", "Problem", "ProblemBody", "invalid", "not_found"]

MEDIA_TYPE = "application/problem+json"


class ProblemBody(BaseModel):
    """The answer to a request that could not be served."""

    model_config = ConfigDict(frozen=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: tuple[FieldError, ...] = ()


class Problem(Exception):
    """Ends a request with this status. `retry_after` in seconds, where a later try may succeed."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after = retry_after

    @property
    def body(self) -> ProblemBody:
        """What is sent to a program."""
        return ProblemBody(title=self.title, status=self.status, detail=self.detail, errors=self.errors)


def not_found(what: str) -> Problem:
    """Nothing there (any more)."""
    return Problem(404, "Not found", f"There is no such {what}.")


def invalid(*errors: FieldError) -> Problem:
    """The request can be read, but not followed; each error names a field."""
    return Problem(422, "Some fields are not right", "See errors for each field.", errors=errors)
