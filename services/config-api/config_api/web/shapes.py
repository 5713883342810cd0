"""Types that the filters and rows of the lists share."""

from datetime import date
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from config_api.web.absence import Maybe

D = TypeVar("D", bound=date)
Text = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
Count = Annotated[int, BeforeValidator(lambda number: 0 if number is None else int(number))]  # sums come as Decimal
FIRST_YEAR, LAST_YEAR = 1970, 9000  # what PostgreSQL and Python both know, with room for time zones


def _bounded(at: D) -> D:
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError(f"a year between {FIRST_YEAR} and {LAST_YEAR} is needed")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_bounded)]
Day = Annotated[date, AfterValidator(_bounded)]


class Row(BaseModel):
    """A row of an answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Filter(BaseModel):
    """What a list is narrowed to; an unknown name is an error, not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Format(StrEnum):
    """What a file is written in."""

    JSON = "json"
    CSV = "csv"


class PeriodFilter(Filter):
    """From `since` to just before `until`."""

    since: Maybe[Moment] = Field(None, description="From this time on (RFC 3339).")
    until: Maybe[Moment] = Field(None, description="Before this time (RFC 3339).")
