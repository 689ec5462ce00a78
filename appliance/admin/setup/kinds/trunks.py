"""Trunks: providers' lines."""

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field
from sqlalchemy import select

from appliance.admin.setup.bodies import TrunkBody
from appliance.admin.setup.kinds import base
from appliance.storage.models import Trunk

_PLAIN = (
    "name", "proxy", "realm", "username", "register", "addresses", "outbound_prefixes",
    "emergency", "position",
)  # fmt: skip


class TrunkOut(base.Out):
    """A trunk. Its password is not read back."""

    name: str
    proxy: str
    realm: str
    username: str
    password_set: bool
    register_: bool = Field(alias="register")
    addresses: list[str]
    outbound_prefixes: list[str]
    emergency: bool
    position: int


class Trunks(base.Kind):
    """See `base.Kind`."""

    name, plural, param = "trunk", "trunks", "trunk"
    body, out, fixed = TrunkBody, TrunkOut, "name"
    example: ClassVar[base.State] = {
        "name": "provider", "proxy": "sip.provider.example", "username": "30123450",
        "password": "as the provider gave it", "register": True, "addresses": ["192.0.2.0/24"],
        "outbound_prefixes": ["+49"],
    }  # fmt: skip

    def find(self, work: base.Work, key: str) -> base.Row | None:
        """By name."""
        row = work.db.get(Trunk, (work.organisation_id, key))
        return _row(row) if row is not None else None

    def page(self, work: base.Work, part: base.Part) -> list[base.Row]:
        """By name."""
        query = base.page_of(select(Trunk), Trunk.name, Trunk.name, part, Trunk.proxy)
        return [_row(row) for row in work.db.scalars(query)]

    def faults(self, work: base.Work, key: str | None, wanted: TrunkBody) -> Iterable[base.Fault]:
        """Names are taken once; signing in needs a name and a password."""
        row = work.db.get(Trunk, (work.organisation_id, key or wanted.name))
        if key is None and row is not None:
            yield base.Fault("name", f"There is a trunk {wanted.name} already.")
        if wanted.register_ and not wanted.username:
            yield base.Fault("username", "Signing in to the provider needs its user name.")
        kept = row.password if row is not None and key is not None else ""
        password = kept if wanted.password is None else wanted.password
        if wanted.register_ and not password:
            yield base.Fault("password", "Signing in to the provider needs its password.")
        if not password.isprintable():
            yield base.Fault("password", "Write it on one line, without invisible characters.")

    def write(self, work: base.Work, key: str | None, wanted: TrunkBody) -> str:
        """The provider wants the password itself, so it is kept as it is."""
        if key is None:
            row = Trunk(organisation_id=work.organisation_id)
            work.db.add(row)
        else:
            row = work.db.get_one(Trunk, (work.organisation_id, key))
        plain: dict[str, Any] = self.state_of(wanted)
        for name in _PLAIN:
            setattr(row, name, plain[name])
        if wanted.password is not None:
            row.password = wanted.password
        work.db.flush()
        return row.name

    def remove(self, work: base.Work, key: str) -> base.State:
        """Nothing goes in or out over it any more."""
        work.db.delete(work.db.get_one(Trunk, (work.organisation_id, key)))
        work.db.flush()
        return {}


def _row(row: Trunk) -> base.Row:
    values = {name: getattr(row, name) for name in _PLAIN}
    state = {name: list(v) if isinstance(v, list) else v for name, v in values.items()}
    return base.Row(row.name, state, {"password_set": bool(row.password)})


TRUNKS = Trunks()
