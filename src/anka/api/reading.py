"""Reading a request: its body and its query as the route's structs, or a refusal that says what is wrong with them."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec

from anka.api.call import Language, Route
from anka.api.problems import BodyTooLarge, FilesNotTakenYet, MalformedBody, UnsupportedMediaType, fields_of
from anka.core.refusals import BadInput

MOST_QUERY_FIELDS = 20
LONGEST_QUERY = 4_096


class _SaidTwice(Exception):
    """An object of the body has the same key more than once: two readers could understand two things."""


@lru_cache(maxsize=256)
def _decoder(struct: type[msgspec.Struct]) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(struct)


@lru_cache(maxsize=256)
def may_be_empty(struct: type[msgspec.Struct]) -> bool:
    """Tell whether a body of this shape needs no field at all, so that it may be left out."""
    return not any(field.required for field in msgspec.structs.fields(struct))


@lru_cache(maxsize=256)
def list_fields(struct: type[msgspec.Struct]) -> frozenset[str]:
    """Return the query fields that hold several values: repeated, or separated by commas."""
    return frozenset(field.encode_name for field in msgspec.structs.fields(struct) if _is_list(field.type))


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(get_origin(part) is list for part in get_args(annotation))


def read_raw(environ: Mapping[str, Any], largest: int) -> bytes:
    """Return the body's bytes.

    Raises:
        BodyTooLarge: it is longer than `largest`, or says that it is.
        MalformedBody: its length is not a number.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    if not length:
        if not environ.get("HTTP_TRANSFER_ENCODING"):
            return b""
        found: bytes = environ["wsgi.input"].read(largest + 1)
        if len(found) > largest:
            raise BodyTooLarge(bytes=largest)
        return found
    if not (length.isascii() and length.isdigit()) or len(length) > 18:
        raise MalformedBody(fields={"Content-Length": "a whole number"})
    if int(length) > largest:
        raise BodyTooLarge(bytes=largest)
    found = environ["wsgi.input"].read(int(length))
    if len(found) != int(length):
        raise MalformedBody(fields={"body": "shorter than Content-Length"})
    return found


def read_body(route: Route, raw: bytes, content_type: str) -> Any:
    """Return the body as the route's struct.

    Raises:
        UnsupportedMediaType, MalformedBody, BadInput: what is wrong with it. Unknown fields are refused, never ignored.
    """
    struct = route.body
    if struct is None:
        return None
    if not raw and may_be_empty(struct):
        return struct()
    _require_json(content_type)
    try:
        found = _decoder(struct).decode(raw)
        json.loads(raw, object_pairs_hook=_unambiguous, parse_constant=_refuse_constant)
    except msgspec.ValidationError as error:
        raise BadInput(fields=fields_of(error)) from None
    except _SaidTwice as error:
        raise MalformedBody(fields={str(error): "said twice"}) from None
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise MalformedBody from None
    if b"\\u0000" in raw and _holds_nul(msgspec.to_builtins(found)):
        raise BadInput(fields={"body": "a text holds the character U+0000"})
    return found


def read_query(route: Route, text: str) -> Any:
    """Return the query as the route's struct; a field that is not known, or said twice, is refused.

    Raises:
        BadInput: what is wrong with it.
    """
    if route.query is None and not text:
        return None
    many = list_fields(route.query) if route.query else frozenset()
    values: dict[str, Any] = {}
    for name, value in _pairs(text):
        if name in many:
            values.setdefault(name, []).extend(part.strip() for part in value.split(",") if part.strip())
        elif name in values:
            raise BadInput(fields={name: "said twice"})
        else:
            values[name] = value
    if route.query is None:
        raise BadInput(fields=dict.fromkeys(values, "unknown field"))
    try:
        return msgspec.convert(values, route.query, strict=False)
    except msgspec.ValidationError as error:
        raise BadInput(fields=fields_of(error)) from None


def _pairs(text: str) -> list[tuple[str, str]]:
    if len(text) > LONGEST_QUERY:
        raise BadInput(fields={"query": f"at most {LONGEST_QUERY} characters"})
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_QUERY_FIELDS)
    except ValueError:
        raise BadInput(fields={"query": "not well-formed UTF-8, or too many fields"}) from None
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise BadInput(fields={"query": "holds the character U+0000"})
    return pairs


def require_no_files(route: Route, content_type: str) -> None:
    """Refuse a form with files before anybody reads it, and so before a reader can stumble over it.

    Raises:
        FilesNotTakenYet: a later version takes them here. UnsupportedMediaType: nobody ever will.
    """
    if route.method != "POST" or route.raw_body or not content_type.lstrip().lower().startswith("multipart/"):
        return
    raise FilesNotTakenYet if route.files_later else UnsupportedMediaType


def _require_json(content_type: str) -> None:
    kind, _, rest = content_type.partition(";")
    charset = rest.strip().lower().replace('"', "")
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8", "charset=utf8"):
        raise UnsupportedMediaType


def _unambiguous(pairs: list[tuple[str, Any]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) == len(pairs):
        return
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _SaidTwice(name)
        seen.add(name)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(part) for key, part in value.items())
    return isinstance(value, list | tuple) and any(_holds_nul(part) for part in value)


@lru_cache(maxsize=512)
def language_of(accept_language: str) -> Language:
    """Return zh or en, whichever an Accept-Language header likes better; zh where it likes neither or says nothing."""
    best: Language = "zh"
    best_weight = 0.0
    for part in accept_language[:200].split(","):
        tag, _, weight_text = part.partition(";")
        primary = tag.strip().lower().split("-")[0]
        weight = _weight(weight_text)
        if primary in ("zh", "en") and weight > best_weight:
            best, best_weight = ("en" if primary == "en" else "zh"), weight
    return best


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    digits = value.strip()
    if name.strip() != "q" or not digits.isascii() or not digits.replace(".", "", 1).isdigit():
        return 0.0
    return float(digits)
