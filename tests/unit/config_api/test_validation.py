"""What is wrong is told by the name of the field, for every field of every request."""

from typing import Any

import pytest
from pydantic import BaseModel

from config_api.access.api.bodies import PasswordRequest, TokenRequest
from config_api.activity.queries import EntryQuery, LogQuery, RunQuery, StreamQuery
from config_api.dead_letters.queries import DeadLetterFilter, DeadLetterQuery
from config_api.errors import Invalid
from config_api.mailboxes.model import MailboxInput
from config_api.mailboxes.resource import IfMatch
from config_api.mails.queries import MailQuery
from config_api.overview.summary import SummaryFilter
from config_api.reports.queries import ReportQuery
from config_api.reports.records import RecordQuery
from config_api.web.validation import validated

MODELS: tuple[type[BaseModel], ...] = (
    LogQuery, EntryQuery, RunQuery, MailQuery, ReportQuery, RecordQuery, DeadLetterQuery, StreamQuery, TokenRequest,
    PasswordRequest, IfMatch, DeadLetterFilter,
    SummaryFilter, MailboxInput,
)  # fmt: skip
WRONG = (["a list"], "\0" * 2000, "0001-01-01T00:00:00Z", -1)
INNER = (
    ("filters", "max_age_days"), ("on_failed", "action"), ("attachments", "max_bytes"), ("proxy", "port"),
    ("oauth", "token_endpoint"),
)  # fmt: skip


FIELDS = [
    pytest.param(model, field.alias or name, id=f"{model.__name__}.{name}")
    for model in MODELS
    for name, field in model.model_fields.items()
]


def _complaints(model: type[BaseModel], data: dict[str, Any]) -> list[str]:
    try:
        validated(model, data)
    except Invalid as wrong:
        return [error.field for error in wrong.errors]
    return []


@pytest.mark.parametrize(("model", "name"), FIELDS)
def test_a_wrong_field_is_named_once_and_as_it_was_sent(model: type[BaseModel], name: str) -> None:
    found = [_complaints(model, {name: wrong}) for wrong in WRONG]
    known = {field.alias or each for each, field in model.model_fields.items()}
    assert any(name in fields for fields in found)
    assert {field for fields in found for field in fields} <= known
    assert all(fields.count(name) <= 1 for fields in found)


@pytest.mark.parametrize(("group", "name"), INNER)
def test_a_field_of_a_group_is_named_with_its_group(group: str, name: str) -> None:
    wrong: dict[str, object] = {group: {name: ["wrong"]}}

    assert f"{group}.{name}" in _complaints(MailboxInput, wrong)
