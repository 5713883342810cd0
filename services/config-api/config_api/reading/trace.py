"""The way of a mail, told in steps; pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from config_api.reading.shapes import Row


class TraceStep(Row):
    """Something that happened to a mail, and when."""

    at: datetime
    name: str
    text: str


def steps_of(mail: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> list[TraceStep]:
    """The steps of a row of the ledger with its documents, in the order of time."""
    steps = [
        *_received(mail),
        TraceStep(
            at=mail["fetched_at"],
            name="fetched",
            text=f"Fetched from {mail['folder']}, UID {mail['uid']}, {mail['size']} bytes, "
            f"with version {mail['settings_version']} of the settings.",
        ),
        TraceStep(at=mail["stored_at"], name="stored", text=_outcome(mail, documents)),
        *_acted(mail),
    ]
    return sorted(steps, key=lambda step: step.at)


def _received(mail: Mapping[str, Any]) -> list[TraceStep]:
    if mail["internal_date"] is None:
        return []
    return [TraceStep(at=mail["internal_date"], name="received", text="Received by the mail server.")]


def _outcome(mail: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> str:
    reports = sum(1 for document in documents if document["outcome"] == "stored")
    why = f" ({mail['reason']})" if mail["reason"] else ""
    return f"Ended as {mail['outcome']}{why}: {len(documents)} report files found, {reports} reports stored."


def _acted(mail: Mapping[str, Any]) -> list[TraceStep]:
    if mail["acted_at"] is None:
        return []
    target = f" to {mail['action_target']}" if mail["action_target"] else ""
    why = f" ({mail['action_reason']})" if mail["action_reason"] else ""
    text = f"{mail['action']}{target}: {mail['action_state']}{why}."
    return [TraceStep(at=mail["acted_at"], name="acted", text=text)]
