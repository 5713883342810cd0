"""What is wrong with settings that somebody gave, field by field, in words that never repeat the value."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipeline.contracts.setting import MISPLACED, Setting, setting_at

_EMPTY = frozenset(("missing", "string_too_short"))
_TEXTS = {
    "missing": "This field is needed.",
    "string_too_short": "This field is needed.",
    "string_too_long": "Use at most {max_length} characters.",
    "too_long": "Give at most {max_length} entries.",
    "extra_forbidden": "There is no such field.",
    "model_type": "An object is needed.",
    "model_attributes_type": "An object is needed.",
    "dict_type": "An object is needed.",
    "list_type": "A list is needed.",
    "tuple_type": "A list is needed.",
    "string_type": "A text is needed.",
    "bool_type": "Enter true or false.",
    "bool_parsing": "Enter true or false.",
    "int_type": "Enter a whole number.",
    "int_parsing": "Enter a whole number.",
    "int_from_float": "Enter a whole number.",
    "float_type": "Enter a number.",
    "float_parsing": "Enter a number.",
    "greater_than": "Enter a number above {gt}.",
    "greater_than_equal": "Enter {ge} or more.",
    "less_than_equal": "Enter {le} or less.",
    "enum": "Choose {expected}.",
    "literal_error": "Choose {expected}.",
    "string_pattern_mismatch": "Use only the characters that it may have.",
}
_SAID = frozenset(("value_error", MISPLACED))  # by a validator of ours, for people


@dataclass(frozen=True, slots=True)
class Complaint:
    """A field by its path, parts joined by dots ("" for the whole), and a sentence about it."""

    field: str
    text: str


def complaints(error: ValidationError, model: type[BaseModel] | None = None) -> Iterator[Complaint]:
    """Each fault once; what is declared beside the fields of the `model` says it best."""
    for each in error.errors(include_url=False, include_input=False):
        facts = each.get("ctx", {})
        place = [*each["loc"], *([facts["field"]] if each["type"] == MISPLACED else [])]
        setting = setting_at(model, place) if model is not None else None
        yield Complaint(".".join(str(part)[:100] for part in place), _sentence(_text(each, setting)))


def _text(error: ErrorDetails, setting: Setting | None) -> str:
    kind = error["type"]
    if setting is not None and setting.ask and kind in _EMPTY:
        return setting.ask
    if setting is not None and setting.wrong and kind not in _SAID:
        return setting.wrong
    known = _TEXTS.get(kind)
    return known.format(**error.get("ctx", {})) if known else error["msg"].removeprefix("Value error, ")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
