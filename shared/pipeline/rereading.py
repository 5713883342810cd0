"""A rereading: a folder is read anew, behind the mails that are new in it; how far it has come. Pure."""

from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict


class Rereading(BaseModel):
    """The mails of a folder with UIDs in (last_uid, up_to_uid] are still to be read anew.

    `since`: only those received on that day or later. `uidvalidity` None: it was asked for, and not begun.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    since: date | None = None
    uidvalidity: int | None = None
    last_uid: int = 0
    up_to_uid: int = 0

    def begun(self, *, uidvalidity: int, up_to_uid: int) -> Self:
        """The same, under way in the folder as it is now; from the beginning when the folder was rebuilt meanwhile.

        What lies above `up_to_uid` is new, and fetched for that.
        """
        if self.uidvalidity == uidvalidity:
            return self
        return self.model_copy(update={"uidvalidity": uidvalidity, "last_uid": 0, "up_to_uid": up_to_uid})

    def reached(self, uid: int) -> Self:
        """After every mail up to `uid` was dealt with; it never goes back."""
        return self.model_copy(update={"last_uid": max(self.last_uid, uid)})
