"""The API, browsable: made from the same document that programs read."""

from typing import Any

from aiohttp import web

from appliance.admin.fields import Line, Model
from appliance.admin.problems import not_found
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, may, page
from appliance.admin.visit import Visit

OPERATIONS: web.AppKey[dict[str, list[dict[str, Any]]]] = web.AppKey("operations", dict)
ABOUT: web.AppKey[str] = web.AppKey("about", str)
_METHODS = ("get", "post", "put", "patch", "delete")


def operations_by_tag(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What the template shows: the operations of each tag, with their schemas resolved."""
    schemas = document["components"]["schemas"]
    found: dict[str, list[dict[str, Any]]] = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                operation = item[method]
                found.setdefault(operation["tags"][0], []).append(
                    {
                        "method": method.upper(), "path": path, **operation,
                        "answer": _fields(_answer_of(operation), schemas),
                        "body": _fields(_body_of(operation), schemas),
                        "example": _example(operation),
                        "parameters": [
                            {**part, "type": _type(part["schema"], schemas)}
                            for part in operation["parameters"]
                        ],
                    }
                )  # fmt: skip
    return found


class DocsQuery(Model):
    """Which resource is shown whole; the first page has a line for each operation."""

    tag: Line = ""


async def show(visit: Visit) -> Answer:
    """The page."""
    app, tag = visit.request.config_dict, visit.query.tag
    if tag and tag not in app[OPERATIONS]:
        raise not_found("resource")
    return visit.page("api_docs.html", operations=app[OPERATIONS], about=app[ABOUT], chosen=tag)


def _answer_of(operation: dict[str, Any]) -> dict[str, Any]:
    for code, answer in operation["responses"].items():
        if code.startswith("2"):
            content = answer.get("content", {}).get("application/json", {})
            return dict(content.get("schema", {}))
    return {}


def _body_of(operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    return dict(content.get("application/json", {}).get("schema", {}))


def _example(operation: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("example")


def _fields(
    schema: dict[str, Any], schemas: dict[str, Any], prefix: str = "", depth: int = 0
) -> list[dict[str, str]]:
    """The fields of a schema and of what lies in it, a line each."""
    schema = _resolved(schema, schemas)
    if schema.get("type") == "array":
        return _fields(schema.get("items", {}), schemas, f"{prefix}[]", depth)
    found = []
    for name, part in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        found.append(
            {"path": path, "type": _type(part, schemas), "words": part.get("description", "")}
        )
        if depth < 2:
            found += _fields(_inside(part), schemas, path, depth + 1)
    return found


def _inside(part: dict[str, Any]) -> dict[str, Any]:
    choices = [choice for choice in part.get("anyOf", []) if choice.get("type") != "null"]
    return choices[0] if len(choices) == 1 else part


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return dict(schemas[schema["$ref"].rsplit("/", 1)[-1]])
    return schema


def _type(part: dict[str, Any], schemas: dict[str, Any]) -> str:
    if "anyOf" in part:
        return " or ".join(_type(choice, schemas) for choice in part["anyOf"])
    whole = _resolved(part, schemas)
    if "enum" in whole:
        return " | ".join(str(value) for value in whole["enum"])
    if whole.get("type") == "array":
        return f"list of {_type(whole.get('items', {}), schemas)}"
    return str(whole.get("format") or whole.get("type", "any"))


ROUTES = (page("GET", "/api-docs", "api_page", show, may(Permission.HEALTH_READ), query=DocsQuery),)
