"""Validation whose complaints name the field and what would be right, and never repeat what was sent."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config_api.errors import FieldError, Invalid, invalid
from pipeline.contracts.setting import MISPLACED, Setting, setting_at

Model = TypeVar("Model", bound=BaseModel)

MAX_FIELD_LENGTH = 300
_EMPTY = frozenset(("missing", "string_too_short"))
_TEXTS = {
    "missing": "This field is needed.",
    "string_too_short": "This field is needed.",
    "string_too_long": "Use at most {max_length} characters.",
    "too_long": "Give at most {max_length} entries.",
    "extra_forbidden": "There is no such field.",
    "model_type": "An object is needed.",
    "dict_type": "An object is needed.",
    "int_parsing": "Enter a whole number.",
    "int_from_float": "Enter a whole number.",
    "float_parsing": "Enter a number.",
    "greater_than": "Enter a number above {gt}.",
    "greater_than_equal": "Enter {ge} or more.",
    "less_than_equal": "Enter {le} or less.",
    "enum": "Choose {expected}.",
    "literal_error": "Choose {expected}.",
}
_SAID = frozenset(("value_error", MISPLACED))  # by a validator of ours, for people


def validated(model: type[Model], data: Mapping[str, Any]) -> Model:
    """The data as a model. Raises Invalid."""
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        raise complaint(error, model) from None


def check_text(data: Any) -> None:
    """Raises Invalid for a lone surrogate anywhere in JSON: it can be sent, but is no character of any text."""
    waiting = [("", data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(path, key) for key in value]
            waiting += [(f"{path}.{key}" if path else key, each) for key, each in value.items()]
        elif isinstance(value, list):
            waiting += [(path, each) for each in value]
        elif isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            field = path.encode(errors="replace").decode()[:MAX_FIELD_LENGTH]
            raise invalid(FieldError(field=field, text="The text holds half a character (a lone surrogate)."))


def complaint(error: ValidationError, model: type[BaseModel] | None = None) -> Invalid:
    """The error to answer with; what is declared beside the fields of the `model` says it best."""
    return invalid(*(_field_error(each, model) for each in error.errors(include_url=False, include_input=False)))


def _field_error(error: ErrorDetails, model: type[BaseModel] | None) -> FieldError:
    facts = error.get("ctx", {})
    place = [*error["loc"], *([facts["field"]] if error["type"] == MISPLACED else [])]
    setting = setting_at(model, place) if model is not None else None
    return FieldError(field=".".join(str(part)[:100] for part in place), text=_sentence(_text(error, setting)))


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
