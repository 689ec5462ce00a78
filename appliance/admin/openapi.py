"""The OpenAPI 3.1 document, made from the declarations of the API's routes."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from appliance import __version__
from appliance.admin import idempotency
from appliance.admin.problems import CONTENT_TYPE, ProblemDetails
from appliance.admin.routing import SAFE, Kind, Route, Who

_JSON = "application/json"
_REF = "#/components/schemas/{model}"
_WORDS = {
    "400": "The request cannot be understood",
    "401": "Nobody is signed in, or the token is none",
    "403": "The role or the token may not do this",
    "404": "There is no such thing in this organisation",
    "408": "The request did not arrive in time",
    "409": "It cannot be done now, or was done already",
    "413": "The body is too large",
    "415": "The body has another media type",
    "421": "The server does not answer to this name",
    "422": "Values are wrong; `errors` names each and its mend",
    "429": "Too many requests; see Retry-After",
    "500": "Something failed here; the logs tell what",
    "503": "A part that is needed is away; see Retry-After",
}
_ALWAYS = ("400", "401", "403", "421", "422", "429", "500", "503")
_ABOUT = (
    "Everything that an operator sees and does, for programs. Send a token as "
    "`Authorization: Bearer apl_...`. Lists come in pages: go on with `next_cursor`. What acts "
    "understands an `Idempotency-Key`: the same key acts once within 24 hours. Every answer has "
    "an `X-Correlation-Id`; send your own, and the logs have it too. Errors are problem details "
    "(RFC 9457)."
)
_Schemas = Mapping[tuple[Any, JsonSchemaMode], dict[str, Any]]


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The whole document."""
    table = [route for route in routes if route.kind is Kind.API]
    refs, definitions = models_json_schema(_models(table), ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Appliance", "version": __version__, "description": _ABOUT,
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in table)],
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip


def _models(table: list[Route]) -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    found: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {
        (ProblemDetails, "serialization"): None
    }
    for route in table:
        for model in (route.params, route.query, route.body):
            if model is not None:
                found[(model, "validation")] = None
        if route.response is not None:
            found[(route.response, "serialization")] = None
    return list(found)


def _operation(route: Route, refs: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": _description(route),
        "tags": [route.tag],
        "security": [] if route.rule.who is Who.ANYONE else [{"token": []}],
        "parameters": _parameters(route),
        "responses": _responses(route, refs),
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {
                _JSON: {"schema": refs[(route.body, "validation")], "example": route.example}
            },
        }
    return operation


def _description(route: Route) -> str:
    lines = []
    if route.rule.permission is not None:
        lines.append(f"Scope: `{route.rule.permission.value}`.")
    if route.audit:
        lines.append(f"Noted in the audit log as `{route.audit}`.")
    if route.secret:
        lines.append("The answer holds a secret that is shown this once.")
    return " ".join(lines)


def _parameters(route: Route) -> list[dict[str, Any]]:
    found = [*_of_model(route.params, "path"), *_of_model(route.query, "query")]
    if route.acts:
        schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"}
        found.append(
            {
                "name": idempotency.HEADER, "in": "header", "required": False, "schema": schema,
                "description": "carried out once within 24 hours, however often it is sent",
            }
        )  # fmt: skip
    return found


def _of_model(model: type[BaseModel] | None, place: str) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema(ref_template=_REF)
    definitions = schema.get("$defs", {})
    required = schema.get("required", [])
    return [
        {
            "name": name, "in": place, "required": place == "path" or name in required,
            "description": part.get("description", ""), "schema": _inlined(part, definitions),
        }
        for name, part in schema.get("properties", {}).items()
    ]  # fmt: skip


def _inlined(part: Any, definitions: Mapping[str, Any]) -> Any:
    """A parameter's schema without references; query parameters cannot be null."""
    if isinstance(part, list):
        return [_inlined(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(definitions[part["$ref"].rsplit("/", 1)[-1]], definitions)
    kept = {k: _inlined(v, definitions) for k, v in part.items() if k not in ("title", "default")}
    if "default" in part and part["default"] is not None:
        kept["default"] = part["default"]
    choices = [choice for choice in kept.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        del kept["anyOf"]
        kept.update(choices[0])
    return kept


def _responses(route: Route, refs: _Schemas) -> dict[str, Any]:
    good: dict[str, Any] = {"description": route.summary}
    if route.response is not None:
        good["content"] = {_JSON: {"schema": refs[(route.response, "serialization")]}}
    elif route.media:
        good["content"] = {route.media: {}}
    good["headers"] = {"X-Correlation-Id": {"schema": {"type": "string"}}}
    problem = {
        "content": {CONTENT_TYPE: {"schema": refs[(ProblemDetails, "serialization")]}},
    }
    codes = [*_ALWAYS]
    if route.params is not None:
        codes.append("404")
    if route.body is not None:
        codes += ["408", "413", "415"]
    if route.method not in SAFE:
        codes.append("409")
    answers = {code: {"description": _WORDS[code], **problem} for code in sorted(codes)}
    if route.media.startswith("audio/"):  # players ask for it in pieces
        answers["206"] = {**good, "description": "The piece that was asked for with Range"}
        answers["416"] = {"description": "It has no such piece"}
    return {str(route.status): good, **answers}
