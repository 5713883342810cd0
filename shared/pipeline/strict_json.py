"""JSON that people write, read strictly: of a name that is there twice the usual reader takes the last, in silence."""

import json
from typing import Any, NoReturn


class BadJson(ValueError):
    """It cannot be read; the text says why on one line, and never holds a value."""


def loads(text: str) -> Any:
    """What the text says. Raises BadJson, also for NaN and for what is nested too deep."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise BadJson(f"{error.msg} in line {error.lineno}") from None
    except BadJson:
        raise
    except (RecursionError, ValueError):
        raise BadJson("nested too deep, or a number that cannot be read") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadJson("a name is there twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise BadJson(f"{name} is no JSON")
