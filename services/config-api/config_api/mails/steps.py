"""What happened to an email, step by step, in sentences. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from config_api.web import words
from config_api.web.formatting import size
from config_api.web.shapes import Row
from pipeline.counting import plural


class TraceStep(Row):
    """Something that happened to an email, and when."""

    at: datetime
    name: str
    text: str


def steps_of(mail: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> list[TraceStep]:
    """The steps of a row of the ledger with its documents, in the order of time."""
    fetched = (
        f"Fetched from {mail['folder']} as UID {mail['uid']}, {size(mail['size'])}, "
        f"under version {mail['settings_version']} of the mailbox's settings."
    )
    steps = [
        *_received(mail),
        TraceStep(at=mail["fetched_at"], name="fetched", text=fetched),
        TraceStep(at=mail["stored_at"], name="stored", text=_outcome(mail, documents)),
        *_acted(mail),
    ]
    return sorted(steps, key=lambda step: step.at)


def _received(mail: Mapping[str, Any]) -> list[TraceStep]:
    if mail["internal_date"] is None:
        return []
    return [TraceStep(at=mail["internal_date"], name="received", text="Received by the mail server.")]


def _outcome(mail: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> str:
    stored = sum(1 for document in documents if document["outcome"] == "stored")
    why = f" {words.reason(mail['reason'])}." if mail["reason"] else ""
    outcome = words.said(words.OUTCOMES, mail["outcome"]).text
    return f"{outcome}: {plural(len(documents), 'report file')} found, {plural(stored, 'report')} stored.{why}"


def _acted(mail: Mapping[str, Any]) -> list[TraceStep]:
    if mail["acted_at"] is None:
        return []
    state = words.said(words.ACTION_STATES, mail["action_state"]).text.lower()
    doing = words.ACTIONS.get(mail["action"], mail["action"])
    target = f" to {mail['action_target']}" if mail["action_target"] else ""
    why = f" {words.reason(mail['action_reason'])}." if mail["action_reason"] else ""
    told = doing if mail["action_state"] == "done" else f"to be {doing}"
    return [TraceStep(at=mail["acted_at"], name="acted", text=f"{told.capitalize()}{target}: {state}.{why}")]
