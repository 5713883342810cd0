"""Fields that may be left out, though null is not something to send; that is how the API describes them."""

from typing import Annotated, TypeAlias, TypeVar

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

T = TypeVar("T")


class _Absent:
    """Leaves null out of the description. (A union with `SkipJsonSchema[None]` would put its branches into errors.)"""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(core["schema"] if core["type"] == "nullable" else core)


Maybe: TypeAlias = Annotated[T | None, _Absent()]
