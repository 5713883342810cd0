"""Each kind of report is one package and one line in the registry, as the recipe for another one says."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from parser.kinds.kind import Kind
from parser.kinds.registry import KINDS
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.report import ReportKind

PROJECT = Path(__file__).parents[3]
RECIPE = (PROJECT / "docs/howto/add-a-report-kind.md").read_text(encoding="utf-8")
PARSER = PROJECT / "services/parser/parser"


def test_every_kind_and_every_format_is_registered_once() -> None:
    assert sorted(kind.kind for kind in KINDS) == sorted(ReportKind)
    assert sorted(kind.format for kind in KINDS) == sorted(DocumentFormat)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind.value)
def test_every_table_of_a_kind_has_its_two_statements(kind: Kind[Any]) -> None:
    for table in kind.details:
        assert f"INSERT INTO {table} " in kind.statement(f"insert_{table}")
        assert f"FROM {table} " in kind.statement(f"stored_{table}")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind.value)
def test_a_kind_is_named_nowhere_in_the_parser_but_in_its_package_and_the_registry(kind: Kind[Any]) -> None:
    own = PARSER.parent / kind.package.replace(".", "/")
    model = f"{'Tls' if kind.kind is ReportKind.TLS else kind.kind.value.title()}Report"
    others = [path for path in PARSER.rglob("*.py") if own not in path.parents and path.name != "registry.py"]

    naming = [path.name for path in others if re.search(rf"\b{model}\b|{kind.package}", path.read_text("utf-8"))]

    assert naming == []


def test_the_recipe_names_every_field_of_a_kind_and_files_that_exist() -> None:
    assert [field.name for field in fields(Kind) if f"`{field.name}`" not in RECIPE] == []
    named = re.findall(r"`((?:services|shared|tests)/[\w/.\-]+)`", RECIPE)
    assert [path for path in named if not (PROJECT / path).exists() and "NAME" not in path] == []
    assert len(named) > 5
