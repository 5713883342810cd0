"""Validation whose complaints name the field and what would be right, and never repeat what was sent."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from config_api.errors import FieldError, Invalid, invalid
from pipeline.contracts.complaints import complaints

Model = TypeVar("Model", bound=BaseModel)

MAX_FIELD_LENGTH = 300


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
    return invalid(*(FieldError(field=each.field, text=each.text) for each in complaints(error, model)))
