"""What a request brings, checked against the models of its route."""

from typing import Any

import structlog
from multidict import MultiMapping
from pydantic import BaseModel, ValidationError

from appliance.admin.forms import plain_values, read_form
from appliance.admin.problems import Problem, field_problems, invalid, not_found
from appliance.admin.routing import Kind
from appliance.admin.visit import Visit

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


async def read_inputs(visit: Visit) -> None:
    """Set ``params``, ``query`` and ``body`` or ``form`` of the visit.

    Raises:
        Problem: 404 for a path that names nothing, 415 and 422 for the rest.
    """
    route, request = visit.route, visit.request
    if route.params is not None:
        try:
            visit.params = route.params.model_validate(dict(request.match_info))
        except ValidationError:
            raise not_found() from None
        if "call_id" in route.param_names:
            structlog.contextvars.bind_contextvars(call_id=visit.params.call_id)
        visit.trace.object_id = str(request.match_info.get(route.param_names[-1], ""))
    if route.query is not None:
        visit.query = _read_query(visit, route.query)
    elif route.kind is Kind.API and request.query:
        raise _unknown(request.query)
    if route.body is None:
        return
    if route.kind is Kind.PAGE:
        if request.content_type not in _FORMS:
            raise Problem(415, "media-type", "Send this as a form.")
        visit.form = read_form(route.body, await request.post())
        visit.body = visit.form.model
    else:
        visit.body = await _read_json(visit, route.body)


def _read_query(visit: Visit, model: type[BaseModel]) -> BaseModel:
    values = plain_values(model, visit.request.query)
    if visit.route.kind is Kind.PAGE:
        # A form of filters sends its empty fields too; other programs' additions do no harm.
        known = set(model.model_fields)
        values = {name: value for name, value in values.items() if value != "" and name in known}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid(field_problems(error, "query")) from None


async def _read_json(visit: Visit, model: type[BaseModel]) -> BaseModel:
    if visit.request.content_type != "application/json":
        raise Problem(415, "media-type", "Send the body as application/json.")
    data = await visit.request.read()
    try:
        return model.model_validate_json(data, strict=True)
    except ValidationError as error:
        if any(item["type"] == "json_invalid" for item in error.errors(include_url=False)):
            raise Problem(400, "not-json", "The body is not valid JSON.") from None
        raise invalid(field_problems(error, "body")) from None


def _unknown(query: MultiMapping[Any]) -> Problem:
    class _Nothing(BaseModel):
        model_config = {"extra": "forbid"}

    try:
        _Nothing.model_validate({str(name): "" for name in query})
    except ValidationError as error:
        return invalid(field_problems(error, "query"))
    return invalid(())
