"""One database URL, as settings have it, in the two spellings that libpq and SQLAlchemy want."""

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from appliance.calls.errors import ConfigurationError


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError(
            "the database URL cannot be read: write postgresql://user:password@host/database"
        ) from None
    if parsed.drivername.split("+")[0] not in ("postgresql", "postgres"):
        raise ConfigurationError(
            f"the database URL begins with {parsed.drivername}://, and only postgresql:// will do"
        )
    return parsed


def sqlalchemy_url(url: str) -> URL:
    """The URL for SQLAlchemy with psycopg 3.

    Raises:
        ConfigurationError: it is no PostgreSQL URL. The message never shows the URL: it may hold
            a password.
    """
    return _parsed(url).set(drivername="postgresql+psycopg")


def libpq_url(url: str) -> str:
    """The URL as libpq's own tools and psycopg take it, password included.

    Raises:
        ConfigurationError: as :func:`sqlalchemy_url`.
    """
    return _parsed(url).set(drivername="postgresql").render_as_string(hide_password=False)
