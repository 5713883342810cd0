"""Completes the OpenAPI document that spectree writes, and takes out of it what nobody refers to; pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from config_api.web.api import idempotency, rate_limit
from config_api.web.problem import MEDIA_TYPE

METHODS = ("get", "post", "put", "patch", "delete")
JSON = "application/json"
BYTES = "application/octet-stream"
LICENSE = {"name": "GNU General Public License v3.0 or later", "identifier": "GPL-3.0-or-later"}
SERVERS = [{"url": "/", "description": "Where config-api is served: DMARQ_PUBLIC_URL."}]
_SOME_BYTES = {"type": "string", "format": "binary", "minLength": 1}
_REFERENCE = re.compile(r"#/components/(\w+)/([^/]+)$")

IDEMPOTENCY_KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": (
        "Any text that you use for no other request, a UUID perhaps. The same request sent again with it within 24 "
        "hours is not done again: it gets the same answer. 422 where the key came with another request, 409 while the "
        "first one is still being done, or nobody knows how it ended. After a refusal (4xx) the key is free."
    ),
    "schema": {"type": "string", "pattern": idempotency.KEY_PATTERN},
    "example": "0f6e1b1c-2f5d-4a0e-9a55-8a2f6a0b8f1e",
}
HEADERS = {
    "RateLimitPolicy": {
        "description": "The limit: `q` requests of one token or session in `w` seconds.",
        "schema": {"type": "string"},
        "example": f'"{rate_limit.POLICY}";q=6000;w={rate_limit.WINDOW}',
    },
    "RateLimit": {
        "description": "What is left of it: `r` requests for the next `t` seconds.",
        "schema": {"type": "string"},
        "example": f'"{rate_limit.POLICY}";r=5999;t={rate_limit.WINDOW}',
    },
    "RetryAfter": {
        "description": "Seconds after which a next try makes sense.",
        "schema": {"type": "integer"},
        "example": 5,
    },
    "IdempotencyReplayed": {
        "description": "`true` where the request was done before, and this is the answer it got then.",
        "schema": {"type": "string"},
        "example": "true",
    },
}


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, operation


def completed(
    document: dict[str, Any],
    *,
    tags: Mapping[str, str],
    examples: Mapping[str, Mapping[str, Any]],
    takes_bytes: Collection[str],
) -> dict[str, Any]:
    """The document with license, server, tags in words, common headers, and an example of each operation.

    `examples` are by operation id: `parameters` by name, `request`, `response`. The document is changed.
    """
    document["info"]["license"] = LICENSE
    document["servers"] = SERVERS
    document["components"]["headers"] = HEADERS
    for _, method, operation in operations(document):
        if operation["operationId"] in takes_bytes:
            operation["requestBody"] = {"required": True, "content": {BYTES: {"schema": _SOME_BYTES}}}
        if method == "post":
            operation["parameters"] = [*operation["parameters"], IDEMPOTENCY_KEY]
            operation["responses"].setdefault("409", _problem(operation, "Conflict"))
        _add_headers(operation, is_post=method == "post")
        _add_example(operation, examples.get(operation["operationId"], {}))
    used = {tag for _, _, operation in operations(document) for tag in operation["tags"]}
    document["tags"] = [{"name": tag, "description": tags.get(tag, tag)} for tag in sorted(used)]
    _drop_unused(document)
    return document


def _problem(operation: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": operation["responses"]["422"]["content"]}


def _add_headers(operation: Mapping[str, Any], *, is_post: bool) -> None:
    for status, answer in operation["responses"].items():
        headers = answer.setdefault("headers", {})
        if status != "401":
            headers |= {"RateLimit-Policy": _header("RateLimitPolicy"), "RateLimit": _header("RateLimit")}
        if status in {"429", "503"}:
            headers["Retry-After"] = _header("RetryAfter")
        if is_post and int(status) < 300:
            headers[idempotency.REPLAYED] = _header("IdempotencyReplayed")
        if not headers:
            del answer["headers"]


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _add_example(operation: dict[str, Any], example: Mapping[str, Any]) -> None:
    given = example.get("parameters", {})
    for parameter in operation["parameters"]:
        if parameter.get("name") in given:
            parameter["example"] = given[parameter["name"]]
    if "request" in example:
        for content in operation["requestBody"]["content"].values():
            content["example"] = example["request"]
    _add_answers(operation, example)


def _add_answers(operation: Mapping[str, Any], example: Mapping[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        for media, content in answer.get("content", {}).items():
            if int(status) < 300 and (media == JSON or isinstance(example.get("response"), str)):
                content["example"] = example.get("response")
            elif media == MEDIA_TYPE:
                content["example"] = {
                    "type": "about:blank", "title": answer["description"], "status": int(status),
                    "detail": "What was wrong, and what to do about it.", "errors": [],
                }  # fmt: skip


def _drop_unused(document: dict[str, Any]) -> None:
    """Takes out the components that no path leads to."""
    components, waiting = document["components"], [document["paths"]]
    reached: set[tuple[str, str]] = set()
    while waiting:
        for section, name in _references(waiting.pop()) - reached:
            reached.add((section, name))
            waiting.append(components[section][name])
    for section in ("schemas", "headers"):
        components[section] = {n: each for n, each in components[section].items() if (section, n) in reached}


def _references(part: Any) -> set[tuple[str, str]]:
    if isinstance(part, dict):
        target = part.get("$ref")
        own = _REFERENCE.match(target) if isinstance(target, str) else None
        found = {(own[1], own[2])} if own else set()
        return found.union(*(_references(each) for each in part.values()))
    return set().union(*(_references(each) for each in part)) if isinstance(part, list) else set()
