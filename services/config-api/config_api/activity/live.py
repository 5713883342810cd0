"""What is overheard on the bus, as live views tell it."""

from config_api.activity.queries import ActivityLine, FetchRun
from config_api.backend.feed import Happening
from pipeline.contracts.events import ActivityLogged, FetchRunFinished, Level, ReportStored
from pipeline.contracts.mail_events import Event, MailActed, MailDied
from pipeline.contracts.wire import Wire, decode
from pipeline.errors import Rejected

SUBJECTS = ("event.*.*", "report.stored.*.*")


def overheard(wire: Wire) -> Happening | None:
    """What an event on the bus tells; None where it cannot be read, or is of no interest to people."""
    try:
        return happening_of(decode(wire.headers, wire.payload).event)
    except Rejected:
        return None


def happening_of(event: Event) -> Happening | None:
    """The event as a stream tells it, or None for what only the services are concerned with."""
    match event:
        case ActivityLogged():
            line = ActivityLine.model_validate(event, from_attributes=True)
            return Happening("activity", event.mailbox_id, event.source, event.level, line.model_dump(mode="json"))
        case FetchRunFinished():
            run = FetchRun.model_validate(event, from_attributes=True)
            level = Level.INFO if event.category == "ok" else Level.ERROR
            return Happening("run", event.mailbox_id, "fetch", level, run.model_dump(mode="json"))
        case MailActed():
            level = Level.ERROR if event.reason else Level.INFO
            return Happening("mail_acted", event.mailbox_id, "mail", level, event.model_dump(mode="json"))
        case MailDied():
            return Happening("mail_died", event.mail.mailbox_id, "mail", Level.ERROR, event.model_dump(mode="json"))
        case ReportStored():
            told = event.model_dump(mode="json", exclude={"report", "rows"})
            return Happening("report", event.mailbox_id, "report", Level.INFO, told)
        case _:
            return None
