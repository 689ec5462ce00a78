"""The history of the set-up, taking changes back, and trying sentences, over the API."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from appliance.admin.fields import Limit, Line, Model, RequiredLine, Time
from appliance.admin.problems import not_found
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, api, may
from appliance.admin.setup import history
from appliance.admin.setup.trying import REHEARSAL, Tried
from appliance.admin.setup.working import changing, reading
from appliance.admin.visit import Visit
from appliance.calls.decision import Action, Intent, Priority
from appliance.storage.directory_store import load_directory


class ChangeParams(Model):
    """A change."""

    change_id: Annotated[int, Field(ge=1, le=2**63 - 1)]


class HistoryQuery(Model):
    """Which changes."""

    kind: Line = Field(default="", description="of one kind, such as person")
    key: Line = Field(default="", description="of one thing: its id, number or name")
    before_id: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = Field(
        default=None, description="changes that are older than this one"
    )
    limit: Limit = 50


class ChangeOut(BaseModel):
    """Who changed what, when, from what to what; without secrets."""

    id: int
    at: datetime
    actor: str
    via: str
    kind: str
    key: str
    title: str
    what: str = Field(description="added, changed, removed, undone or password_made")
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    can_be_undone: bool

    @classmethod
    def of(cls, change: history.Change) -> Self:
        """From an entry."""
        entry = change.entry
        return cls(
            id=entry.id, at=entry.at, actor=entry.actor, via=entry.via, kind=entry.object_kind,
            key=entry.object_id, title=change.title, what=change.what, before=entry.before,
            after=entry.after, can_be_undone=change.can_be_undone,
        )  # fmt: skip


class ChangeList(BaseModel):
    """Changes, the newest first. ``next_before_id`` is null when there are no older ones."""

    items: list[ChangeOut]
    next_before_id: int | None


class SentenceIn(Model):
    """What a caller might say, and when."""

    say: RequiredLine
    at: Time | None = Field(default=None, description="opening hours count then; now when null")


class VerdictOut(BaseModel):
    """One policy's say."""

    policy: str
    verdict: str
    reason: str
    took_ms: float


class TriedOut(BaseModel):
    """What would be done about it, and why."""

    action: Action
    intent: Intent
    target_id: str | None
    target: str | None = Field(description="the target's name")
    candidates: list[str] = Field(description="names to choose from")
    priority: Priority
    confidence: float
    reply: str
    model: str
    open_now: bool
    at: datetime
    rules_alone: str = Field(description="why the language model had no say; else empty")
    verdicts: list[VerdictOut]

    @classmethod
    def of(cls, tried: Tried) -> Self:
        """From what came of it."""
        made = tried.decision
        return cls(
            action=made.action, intent=made.intent, target_id=made.target_id,
            target=tried.targets.get(made.target_id or ""),
            candidates=[tried.targets.get(item, item) for item in made.candidates],
            priority=made.priority, confidence=made.confidence, reply=made.reply,
            model=made.model, open_now=tried.open_now, at=tried.at,
            rules_alone=tried.rules_alone,
            verdicts=[
                VerdictOut(
                    policy=item.policy, verdict=item.verdict, reason=item.reason,
                    took_ms=item.took_ms,
                )
                for item in made.verdicts
            ],
        )  # fmt: skip


async def tried(visit: Visit, say: str, at: datetime) -> Tried:
    """Put a sentence to the chain, with the directory as it is stored now."""
    database = visit.services.threads.database
    organisation = str(visit.who.organisation_id)
    directory = await visit.run(lambda: load_directory(database, organisation))
    if directory is None:
        raise not_found("organisation")
    rehearsal = visit.request.config_dict[REHEARSAL]
    # Not on the database's threads: the model may keep this one waiting.
    return await asyncio.to_thread(rehearsal.decide, directory, say, at)


async def list_(visit: Visit) -> Answer:
    """Changes."""
    query: HistoryQuery = visit.query
    found = await reading(
        visit,
        lambda work: history.page(work.db, query.limit + 1, query.before_id, query.kind, query.key),
    )
    kept = found[: query.limit]
    more = kept[-1].entry.id if len(found) > query.limit else None
    return ChangeList(items=[ChangeOut.of(item) for item in kept], next_before_id=more)


async def one(visit: Visit) -> Answer:
    """One change."""
    change_id = visit.params.change_id
    return ChangeOut.of(await reading(visit, lambda work: history.find(work.db, change_id)))


async def undo(visit: Visit) -> Answer:
    """Take one back."""
    change_id = visit.params.change_id
    await changing(visit, lambda work: history.undo(work, change_id))
    return None


async def try_out(visit: Visit) -> Answer:
    """Try a sentence."""
    body: SentenceIn = visit.body
    return TriedOut.of(await tried(visit, body.say, body.at or visit.now))


_READ, _WRITE = may(Permission.SETUP_READ), may(Permission.SETUP_WRITE)
ROUTES = (
    api(
        "GET", "/history", "api_history", list_, _READ, query=HistoryQuery, response=ChangeList,
        tag="History", summary="List changes of the set-up",
    ),
    api(
        "GET", "/history/{change_id}", "api_change", one, _READ, params=ChangeParams,
        response=ChangeOut, tag="History", summary="Read a change",
    ),
    api(
        "POST", "/history/{change_id}/undo", "api_undo", undo, _WRITE, params=ChangeParams,
        status=204, tag="History", audit="change.undone", object_kind="change", acts=True,
        summary="Undo a change, as a new change; refused when it no longer fits",
    ),
    api(
        "POST", "/try", "api_try", try_out, _READ, body=SentenceIn, response=TriedOut,
        tag="Try", audit="sentence.tried", object_kind="sentence",
        summary="See what would be decided about a sentence, without a call",
        example={"say": "I would like to speak to Anna Jones, please"},
    ),
)  # fmt: skip
