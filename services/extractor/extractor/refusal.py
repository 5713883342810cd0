"""The one error of the pure core: a part cannot be read, and why. It never leaves the extractor's pure modules."""

from pipeline.reasons import Reason


class Refused(Exception):
    """This part is refused with a reason; the rest of the mail is searched all the same."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(detail or reason.text)
        self.reason = reason
        self.detail = detail
