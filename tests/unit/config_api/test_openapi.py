"""The API's description is whole: names that stay, an example of each operation, what holds for every call."""

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import config_api
from config_api.site.description import TAGS, document, examples
from config_api.web.api.openapi import JSON, operations
from config_api.web.shapes import Row
from tests.support.described import described_api, described_app

NAMES = Path(__file__).parents[2] / "data" / "api" / "operations.txt"
DOCUMENT = described_api()
OPERATIONS = {operation["operationId"]: (path, method, operation) for path, method, operation in operations(DOCUMENT)}


def _wrong(schema: dict[str, Any], example: Any) -> list[str]:
    validator = Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(example)]


def test_operations_keep_their_names_and_paths() -> None:
    """Generated clients have a function of each name. A new operation is a new line of the file; none is removed."""
    described = {f"{name} {method.upper()} {path}" for name, (path, method, _) in OPERATIONS.items()}

    assert described == set(NAMES.read_text(encoding="utf-8").splitlines())


def test_the_api_has_the_version_of_the_project() -> None:
    assert DOCUMENT["info"]["version"] == version("dmarq") == version("dmarq-config-api")


def test_every_tag_is_said_in_words() -> None:
    assert not [tag["name"] for tag in DOCUMENT["tags"] if tag["name"] not in TAGS]


def test_no_example_is_of_an_operation_that_there_is_not() -> None:
    assert not set(examples()) - set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_parameter_of_a_path_has_an_example(name: str) -> None:
    parameters = [each for each in OPERATIONS[name][2]["parameters"] if each.get("in") == "path"]

    assert not [each["name"] for each in parameters if "example" not in each]


@pytest.mark.parametrize("name", OPERATIONS)
def test_examples_of_parameters_are_right_by_their_schemas(name: str) -> None:
    parameters = [each for each in OPERATIONS[name][2]["parameters"] if "example" in each]

    assert not [wrong for each in parameters for wrong in _wrong(each["schema"], each["example"])]


@pytest.mark.parametrize("name", [name for name, (_, _, each) in OPERATIONS.items() if "requestBody" in each])
def test_the_example_of_a_request_is_right_by_its_schema(name: str) -> None:
    contents = OPERATIONS[name][2]["requestBody"]["content"].values()

    assert contents
    assert not [wrong for each in contents for wrong in _wrong(each["schema"], each["example"])]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_example_of_an_answer_is_right_by_its_schema(name: str) -> None:
    answers = OPERATIONS[name][2]["responses"]
    contents = [content for answer in answers.values() for content in answer.get("content", {}).items()]

    assert [status for status in answers if status.startswith("2")]
    missing = [media for media, each in contents if "example" not in each]
    assert not missing or set(missing) == {"text/csv"}, "the JSON of the same answer has one"
    assert not [
        wrong for media, each in contents if "example" in each and media.endswith("json")
        for wrong in _wrong(each["schema"], each["example"])
    ]  # fmt: skip


@pytest.mark.parametrize("name", [name for name, (_, method, _) in OPERATIONS.items() if method == "post"])
def test_everything_that_creates_or_starts_takes_an_idempotency_key(name: str) -> None:
    operation = OPERATIONS[name][2]

    assert "Idempotency-Key" in {each["name"] for each in operation["parameters"]}
    assert {"409", "422", "429"} <= set(operation["responses"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_tells_what_is_left_and_a_refusal_when_to_come_again(name: str) -> None:
    answers = OPERATIONS[name][2]["responses"]

    assert all(
        {"RateLimit", "RateLimit-Policy"} <= set(answers[status]["headers"]) for status in answers if status < "400"
    )
    assert all("Retry-After" in answers[status]["headers"] for status in ("429", "503"))


def test_every_list_of_pages_counts_on_demand() -> None:
    lists = {
        name: {each.get("name") for each in operation["parameters"]}
        for name, (_, _, operation) in OPERATIONS.items()
        if "Page" in str(operation["responses"].get("200", {}).get("content", {}).get(JSON, {}).get("schema"))
    }

    assert len(lists) > 10
    assert not [name for name, parameters in lists.items() if "total" not in parameters]


def test_requests_at_the_same_moment_get_the_same_document() -> None:
    """The first ones make it; what they begin with is shared."""
    app = described_app()
    document.cache_clear()
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(described_api, [app] * 4))

    assert made == [DOCUMENT] * 4


def test_no_component_is_left_that_nothing_refers_to() -> None:
    text = str(DOCUMENT)

    assert not [name for name in DOCUMENT["components"]["schemas"] if f"#/components/schemas/{name}'" not in text]


def test_no_two_types_share_a_name() -> None:
    """One of them would stand for both in the description."""
    known: dict[str, Any] = {}
    for package in walk_packages(config_api.__path__, "config_api."):
        for model in vars(import_module(package.name)).values():
            if isinstance(model, type) and issubclass(model, Row) and not model.__name__.startswith("_"):
                for name, schema in model.model_json_schema(mode="serialization").get("$defs", {}).items():
                    kind = schema.get("enum") or sorted(schema.get("properties", {}))
                    assert known.setdefault(name, kind) == kind, name
