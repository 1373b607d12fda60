"""Strict JSON in: bounded depth, no member twice, finite numbers, exact types; refusals never repeat what stood there."""

import json
import math
import re
from functools import cache
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from broker.api.errors import (
    BadDate,
    BodyInvalid,
    DuplicateMember,
    MemberMissing,
    MemberUnknown,
    NotFinite,
    NotJson,
    NotUtf8,
    TooDeep,
    TooMany,
    WrongType,
)
from tillit.wire import MAX_DEPTH

Model = TypeVar("Model", bound=BaseModel)

MAX_TOLD = 20
# Possessive and always matching once it starts, so that no input makes it look twice.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_OPENING = frozenset((b"[", b"{"))


def parse(body: bytes, model: type[Model]) -> Model:
    """The body as ``model``, in strict mode.

    Raises:
        NotUtf8, TooDeep, DuplicateMember, NotFinite, NotJson: it is not the JSON the broker takes.
        BodyInvalid: it has not the model's shape (a subclass says of what kind the first error is).
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise NotUtf8 from error
    check_depth(body)
    check_members(text)
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise _told(error, model) from None


def check_depth(body: bytes) -> None:
    """Count brackets outside strings.

    Raises:
        TooDeep: more than 12 are open at once.
    """
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", body)):
        depth += 1 if bracket in _OPENING else -1
        if depth > MAX_DEPTH:
            raise TooDeep


def check_members(text: str) -> None:
    """Refuse what JSON parsers disagree on.

    Raises:
        DuplicateMember, NotFinite, NotJson: as their names say.
    """
    try:
        json.loads(
            text,
            object_pairs_hook=_distinct,
            parse_constant=_not_finite,
            parse_float=_finite,
        )
    except (ValueError, RecursionError):
        raise NotJson from None


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise DuplicateMember


def _not_finite(_: str) -> NoReturn:
    raise NotFinite


def _finite(number: str) -> None:
    if math.isinf(float(number)):
        raise NotFinite


def _told(error: ValidationError, model: type[BaseModel]) -> BodyInvalid | NotJson:
    """Where and of what kind the errors are. Pydantic's messages and inputs stay here: they repeat what was sent."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return NotJson()
    told = [{"at": _pointer(item, model), "type": item["type"]} for item in found[:MAX_TOLD]]
    return _kind(found[0]["type"])(f"{len(found)} error(s); the first at {told[0]['at']}", told)


def _kind(error_type: str) -> type[BodyInvalid]:
    if error_type.startswith(("datetime", "date", "timezone")):
        return BadDate
    if error_type.endswith("_type"):
        return WrongType
    return {"missing": MemberMissing, "extra_forbidden": MemberUnknown, "too_long": TooMany}.get(
        error_type, BodyInvalid
    )


def _pointer(item: ErrorDetails, model: type[BaseModel]) -> str:
    """A JSON pointer in which only the model's own member names stand; what the caller named is ``*``."""
    known = _names(model)
    return "/" + "/".join(
        str(step) if isinstance(step, int) or step in known else "*" for step in item["loc"]
    )


@cache
def _names(model: type[BaseModel]) -> frozenset[str]:
    schema = model.model_json_schema()
    objects = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for shape in objects for name in shape.get("properties", {}))
