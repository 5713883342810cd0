"""Which digest is due; pure. A period is whole days, UTC, as reports count them; a week begins on Monday."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.notifications.channels import ChannelSettings, DigestRhythm

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last one, both included."""

    rhythm: DigestRhythm
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """The one that it is compared with."""
        return Period(self.rhythm, self.first - self.days * DAY, self.first - DAY)

    @property
    def key(self) -> str:
        """The same for the same period: each is sent once."""
        return f"digest.{self.rhythm.value}.{self.first.isoformat()}"

    @property
    def name(self) -> str:
        """For people."""
        if self.days == 1:
            return f"{self.first:%A, %d %B %Y}"
        return f"{self.first:%d %B} to {self.last:%d %B %Y}"


def due(now: datetime, settings: ChannelSettings) -> Period | None:
    """The last period that is over, from the channel's hour on; who was away then sends it later."""
    if settings.digest is DigestRhythm.NONE:
        return None
    local = now.astimezone(ZoneInfo(settings.time_zone))
    today = local.date() if local.hour >= settings.digest_hour else local.date() - DAY
    if settings.digest is DigestRhythm.DAILY:
        return Period(settings.digest, today - DAY, today - DAY)
    monday = today - today.weekday() * DAY
    return Period(settings.digest, monday - 7 * DAY, monday - DAY)
