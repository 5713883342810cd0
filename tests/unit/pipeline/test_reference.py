import re
from pathlib import Path

import pytest

from pipeline import reference
from pipeline.asyncapi import public_events
from pipeline.contracts.events import EVENT_TYPES, ReportStored
from pipeline.contracts.limits import Limits
from pipeline.contracts.mailbox import MailboxSecrets, MailboxSettings
from pipeline.reference import filled
from pipeline.settings import PREFIX, Settings, documented

DOCS = Path(__file__).parents[3] / "docs"
STALE = "run: python -m pipeline.reference docs"


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_says_what_the_declarations_say(name: str) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")

    assert filled(page, reference.blocks()) == page, STALE


def test_the_schemas_are_those_of_the_events_and_an_old_version_keeps_its_own() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / reference.SCHEMAS).iterdir()}

    assert {name: written.get(name) for name in reference.event_schemas()} == reference.event_schemas(), STALE
    assert {name.partition(".")[0] for name in written} == {kind.type for kind in public_events()}


def test_the_asyncapi_document_is_that_of_the_events() -> None:
    assert (DOCS / reference.ASYNCAPI).read_text(encoding="utf-8") == reference.asyncapi_document(), STALE


def test_every_generated_block_has_its_place() -> None:
    pages = "".join((DOCS / name).read_text(encoding="utf-8") for name in reference.PAGES)

    assert set(re.findall(r"<!-- generated: (\w+) -->", pages)) == set(reference.blocks())


def test_every_variable_is_in_the_configuration_page() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    names = {*Settings.model_fields, *Limits.model_fields} - {"limits"}

    assert not {PREFIX + name.upper() for name in names if f"`{PREFIX}{name.upper()}`" not in page}


def test_every_variable_has_a_meaning() -> None:
    assert not [variable for variable, _, meaning in documented() if not meaning]


def test_every_field_of_a_mailbox_has_a_meaning() -> None:
    fields = {**MailboxSettings.model_fields, **MailboxSecrets.model_fields}

    assert not [name for name, field in fields.items() if not field.description]


def test_every_field_that_third_parties_get_has_a_meaning() -> None:
    assert not [name for name, field in ReportStored.model_fields.items() if not field.description and name != "v"]


def test_every_event_is_in_the_events_page() -> None:
    page = (DOCS / "events.md").read_text(encoding="utf-8")

    assert not [kind for kind in EVENT_TYPES if f"### `{kind}`" not in page]


def test_a_stale_page_is_noticed() -> None:
    page = "a\n<!-- generated: streams -->\nold\n<!-- end -->\nb\n"

    fresh = filled(page, reference.blocks())

    assert fresh != page
    assert filled(fresh, reference.blocks()) == fresh
    assert fresh.endswith("<!-- end -->\nb\n")
