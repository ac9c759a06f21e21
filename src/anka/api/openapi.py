"""The OpenAPI 3.1 document and the page for people, both made from the table of routes."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from anka.api.call import Language, Route, Who
from anka.api.problems import CONTENT_TYPE, Problem

VERSION = "1"
NAMES = re.compile(r"\{(\w+)\}")
REF = "#/components/schemas/{name}"
ABOUT = (
    "Amounts are whole numbers of minor units, times RFC 3339 with a zone. Every POST takes an Idempotency-Key (kept for at least "
    "24 hours): the same key with the same body gives the same answer and has one effect. Errors are RFC 9457 problems with a stable "
    "code, their detail in the language of Accept-Language (zh or en). Another's object answers like a missing one."
)
MEANINGS = {
    400: "The body is not well-formed.",
    401: "Nobody is signed in, or the token no longer counts.",
    403: "The token lacks the scope, or the request does not prove where it comes from.",
    404: "There is no such thing, or it is another's.",
    405: "Not with this method.",
    409: "It cannot be done as things stand; nothing has changed.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "A field is missing, malformed or unknown; or the key was used for another request.",
    429: "Too many requests; see Retry-After.",
    503: "Try again in a few seconds; nothing was lost.",
}
WHO = {
    Who.ANYONE: ("任何人", "anyone"),
    Who.SIGNED_IN: ("登录用户", "signed in"),
    Who.GATEWAY: ("支付渠道", "payment channel"),
    Who.SANDBOX: ("仅沙箱", "sandbox only"),
}


def document(*, routes: Iterable[Route], base_url: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of these routes."""
    table = list(routes)
    types = [Problem, *(kind for route in table for kind in (route.body, route.query, route.answer) if kind is not None)]
    unique = list(dict.fromkeys(types))
    schemas, components = msgspec.json.schema_components(unique, ref_template=REF)
    by_type = dict(zip(unique, schemas, strict=True))
    paths: dict[str, Any] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_type, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Anka", "version": VERSION, "description": ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "From POST /api/v1/auth/token."}},
        },
    }


def _operation(route: Route, by_type: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.en,
        "description": route.zh,
        "tags": [route.tag],
        "parameters": _parameters(route, components),
        "responses": _responses(route, by_type),
    }
    if route.who is Who.SIGNED_IN:
        found["security"] = [{"token": []}]
    if route.body is not None:
        found["requestBody"] = {"required": _needs_body(route.body), "content": {"application/json": {"schema": by_type[route.body]}}}
    elif route.raw_body:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": {}}}}
    return found


def _needs_body(struct: type[msgspec.Struct]) -> bool:
    return any(field.required for field in msgspec.structs.fields(struct))


def _parameters(route: Route, components: dict[str, Any]) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 120}}
        for name in NAMES.findall(route.path)
    ]
    if route.query is not None:
        properties = components[route.query.__name__]["properties"]
        found += [
            {"name": name, "in": "query", "required": False, "schema": schema, **_listed(schema)} for name, schema in properties.items()
        ]
    if route.method == "POST" and not route.raw_body:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
            }
        )
    return found


def _listed(schema: dict[str, Any]) -> dict[str, Any]:
    options = [schema, *schema.get("anyOf", [])]
    return {"style": "form", "explode": True} if any(option.get("type") == "array" for option in options) else {}


def _responses(route: Route, by_type: dict[Any, Any]) -> dict[str, Any]:
    content = {} if route.answer is None else {"content": {"application/json": {"schema": by_type[route.answer]}}}
    found: dict[str, Any] = {str(route.status): {"description": "Done.", **content}}
    if route.raw_body:
        return {**found, "4XX": {"description": "The message was refused and nothing has changed."}}
    for status in sorted({*_usual(route), *route.refusals}):
        if str(status) not in found:
            media = "application/json" if route.path == "/readyz" else CONTENT_TYPE
            schema = by_type[route.answer] if route.path == "/readyz" else by_type[Problem]
            found[str(status)] = {"description": MEANINGS[status], "content": {media: {"schema": schema}}}
    return found


def _usual(route: Route) -> set[int]:
    found = {422, 503}
    if route.method == "POST":
        found |= {400, 409, 413, 415}
    if route.who is Who.SIGNED_IN:
        found |= {401, 403}
    else:
        found |= {401}
    return found


def for_people(*, routes: Iterable[Route], tags: dict[str, tuple[str, str]], language: Language) -> list[dict[str, Any]]:
    """Return the routes as the page for people shows them: groups of calls with who may make them and what they answer."""
    place = 0 if language == "zh" else 1
    groups: dict[str, dict[str, Any]] = {}
    for route in routes:
        group = groups.setdefault(route.tag, {"label": tags[route.tag][place], "operations": []})
        refusals = " ".join(map(str, route.refusals))
        group["operations"].append(
            {
                "method": route.method,
                "path": route.path,
                "who": WHO[route.who][place],
                "summary": route.zh if place == 0 else route.en,
                "answers": f"{route.status} {refusals}".strip(),
            }
        )
    return list(groups.values())
