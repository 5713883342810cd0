"""Writes what every event looks like now: python -m tests.support.golden

Only for a field that was added. `TYPE.vN.json` is a whole event of version N, `TYPE.vN.oldest.json` what the first
release with this version wrote; a version that is over keeps both, and neither changes any more.
"""

import json
from pathlib import Path

from pipeline.contracts.mail_events import Event
from tests.support.events import SAMPLES

DIRECTORY = Path(__file__).parents[1] / "data" / "events"


def path_of(event: Event) -> Path:
    """Where an event's golden file is."""
    return DIRECTORY / f"{event.type}.v{event.v}.json"


def versions_of(kind: type[Event]) -> range:
    """Every version that an event was ever published in."""
    return range(1, int(kind.model_fields["v"].default) + 1)


def text_of(event: Event) -> str:
    """What is in it."""
    return json.dumps(event.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for sample in SAMPLES:
        path_of(sample).write_text(text_of(sample), encoding="utf-8")
