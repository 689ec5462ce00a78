"""What FreeSWITCH is told about telephones and providers: rows for the rendered configuration."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import select

from appliance.storage import models
from appliance.storage.database import Database


@dataclass(frozen=True, slots=True)
class Phone:
    """A telephone that may register.

    Attributes:
        number: its extension, unique within ``domain``.
        a1_hash: see :func:`a1_hash`; None when it may not register.
        name: of the person it belongs to, else empty.
        voicemail_password: digits, or None.
        outbound: whether it may call out through trunks.
    """

    organisation_id: str
    number: str
    domain: str
    a1_hash: str | None
    name: str
    voicemail_password: str | None
    outbound: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A provider's trunk; see ``models.Trunk``."""

    organisation_id: str
    name: str
    proxy: str
    realm: str
    username: str
    password: str
    register: bool
    addresses: tuple[str, ...]
    outbound_prefixes: tuple[str, ...]
    emergency: bool


def a1_hash(number: str, domain: str, password: str) -> str:
    """What SIP's digest keeps in place of a password: MD5 of number:domain:password, in hex."""
    text = f"{number}:{domain}:{password}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def load_phones(database: Database) -> tuple[Phone, ...]:
    """The telephones of all organisations, by domain and number.

    Raises:
        StorageError: the database is out of reach.
    """
    phones: list[Phone] = []
    for organisation in database.directory_index():
        with database.session(organisation) as session:
            people = session.execute(
                select(models.Person.extension, models.Person.name).order_by(models.Person.name)
            )
            names: dict[str, str] = {}
            for extension, name in people:
                names.setdefault(extension, name)
            phones += (
                Phone(
                    organisation_id=organisation,
                    number=row.number,
                    domain=row.domain,
                    a1_hash=row.a1_hash,
                    name=names.get(row.number, ""),
                    voicemail_password=row.voicemail_password,
                    outbound=row.outbound,
                )
                for row in session.scalars(select(models.Extension))
            )
    return tuple(sorted(phones, key=lambda phone: (phone.domain, phone.number)))


def load_lines(database: Database) -> tuple[Line, ...]:
    """The trunks of all organisations, each organisation's in the order they are tried.

    Raises:
        StorageError: the database is out of reach.
    """
    lines: list[Line] = []
    for organisation in sorted(database.directory_index()):
        with database.session(organisation) as session:
            order = models.Trunk.position, models.Trunk.name
            lines += (
                Line(
                    organisation_id=organisation,
                    name=row.name,
                    proxy=row.proxy,
                    realm=row.realm,
                    username=row.username,
                    password=row.password,
                    register=row.register,
                    addresses=tuple(row.addresses),
                    outbound_prefixes=tuple(row.outbound_prefixes),
                    emergency=row.emergency,
                )
                for row in session.scalars(select(models.Trunk).order_by(*order))
            )
    return tuple(lines)
