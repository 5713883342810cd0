"""Validation whose complaints name the field and what would be right, and never repeat what was sent."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config_api.web.problem import FieldError, Problem, invalid

Model = TypeVar("Model", bound=BaseModel)

MAX_FIELD_LENGTH = 300
_TEXTS = {
    "missing": "This field is needed.",
    "extra_forbidden": "There is no such field.",
    "model_type": "An object is needed.",
    "dict_type": "An object is needed.",
}


def validated(model: type[Model], data: Mapping[str, Any]) -> Model:
    """The data as a model. Raises Problem 422."""
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        raise complaint(error) from None


def check_text(data: Any) -> None:
    """Raises Problem 422 for a lone surrogate anywhere in JSON: it can be sent, but is no character of any text."""
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


def complaint(error: ValidationError) -> Problem:
    """The problem to answer with."""
    return invalid(*map(_field_error, error.errors(include_url=False, include_input=False)))


def _field_error(error: ErrorDetails) -> FieldError:
    text = _TEXTS.get(error["type"], error["msg"].removeprefix("Value error, "))
    return FieldError(field=".".join(str(part)[:100] for part in error["loc"]), text=_sentence(text))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
