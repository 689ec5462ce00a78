"""What goes wrong, as RFC 9457 problem details; pages show the same words."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field, ValidationError

_PREFIX = "urn:appliance:problem:"
CONTENT_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One value that will not do."""

    field: str = Field(description="path of the value, such as body.name or query.limit")
    message: str = Field(description="what is wrong and what would do")


class ProblemDetails(BaseModel):
    """The body of every answer that is an error (RFC 9457)."""

    type: str = Field(description="a stable name of the kind of problem")
    title: str
    status: int
    detail: str = Field(description="what happened and what mends it, for people")
    correlation_id: str = Field(description="finds this request in the logs")
    errors: list[FieldProblem] = Field(default_factory=list)


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818  (RFC 9457 calls it a problem)
    """An answer that is an error.

    Attributes:
        status: of HTTP.
        code: a short stable word; the end of the problem's ``type``.
        detail: a sentence for people that says what mends it.
        errors: the values that are wrong, when it is about values.
        retry_after_s: when trying again can help.
        headers: to send along.
    """

    status: int
    code: str
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    retry_after_s: int | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.detail}"

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase

    def all_headers(self) -> dict[str, str]:
        """Headers of the answer."""
        if self.retry_after_s is None:
            return dict(self.headers)
        return {**self.headers, "Retry-After": str(self.retry_after_s)}

    def details(self, correlation_id: str) -> ProblemDetails:
        """The body of the answer."""
        return ProblemDetails(
            type=_PREFIX + self.code, title=self.title, status=self.status, detail=self.detail,
            correlation_id=correlation_id, errors=list(self.errors),
        )  # fmt: skip


def not_found(what: str = "page") -> Problem:
    """There is no such thing, or it belongs to another organisation: both look the same."""
    return Problem(404, "not-found", f"There is no such {what}.")


def invalid(errors: tuple[FieldProblem, ...]) -> Problem:
    """Values that will not do."""
    names = ", ".join(error.field for error in errors[:5])
    return Problem(422, "invalid", f"Mend these values and send it again: {names}.", errors)


def wrong_value(field_name: str, message: str) -> Problem:
    """One value that will not do, such as one that is taken."""
    return invalid((FieldProblem(field=field_name, message=message),))


def field_problems(error: ValidationError, prefix: str) -> tuple[FieldProblem, ...]:
    """What pydantic found, without repeating hostile input."""
    found = []
    for item in error.errors(include_url=False, include_input=False):
        path = ".".join(str(part) for part in (prefix, *item["loc"]) if part != "")
        found.append(FieldProblem(field=path[:200], message=_mend(dict(item))))
    return tuple(found[:20])


def _mend(item: dict[str, Any]) -> str:
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "missing":
        return "This is missing."
    if item["type"] == "extra_forbidden":
        return "This is not a value that is understood here; leave it out."
    return message[:1].upper() + message[1:] + ("" if message.endswith(".") else ".")
