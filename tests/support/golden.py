"""Writes what every event looks like now: python -m tests.support.golden

Only for a field that was added. The `.oldest.json` files are what the first version wrote, and stay.
"""

import json
from pathlib import Path

from pipeline.contracts.mail_events import Event
from tests.support.events import SAMPLES

DIRECTORY = Path(__file__).parents[1] / "data" / "events"


def path_of(event: Event) -> Path:
    """Where an event's golden file is."""
    return DIRECTORY / f"{event.type}.json"


def text_of(event: Event) -> str:
    """What is in it."""
    return json.dumps(event.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for sample in SAMPLES:
        path_of(sample).write_text(text_of(sample), encoding="utf-8")
