"""The directory and the moments that the decision tests are about."""

from datetime import UTC, date, datetime, time

from appliance.calls.directory import Department, Did, Directory, Person, Persona
from appliance.calls.hours import OpeningHours, Span

DAY = (Span(time(8, 0), time(17, 0)),)
HOURS = OpeningHours(
    "UTC",
    {**dict.fromkeys(range(5), DAY), 5: (Span(time(9, 0), time(13, 0)),)},
    {date(2026, 12, 25): ()},
)
LONG_HOURS = OpeningHours("UTC", dict.fromkeys(range(7), (Span(time(6, 0), time(22, 0)),)))
WEDNESDAY = datetime(2026, 11, 18, 10, 30, tzinfo=UTC)
EVENING = datetime(2026, 11, 18, 20, 15, tzinfo=UTC)
SUNDAY = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


def front_desk() -> Directory:
    """Departments with topics, and people with titles, aliases and names that sound alike."""
    return Directory(
        organisation_id="00000000-0000-0000-0000-000000000001",
        name="Northwind",
        personas=(Persona(greeting="Welcome to Northwind."),),
        departments=(
            Department("billing", "Billing", ("201", "202"), ("accounts",),
                       ("invoice", "bill", "payment", "refund", "charged twice", "subscription")),
            Department("sales", "Sales", ("203",), topics=("order", "contract", "buy", "quote")),
            Department("support", "Technical Support", ("204",), ("support", "the service desk"),
                       ("password", "log in", "internet", "not working", "broken"),
                       hours=LONG_HOURS),
            Department("reception", "Reception", ("200",), ("the front desk",)),
            Department("pharmacy", "The Pharmacy", ("206",), topics=("prescription",)),
        ),
        people=(
            Person("alice", "Alice Brown", "221"),
            Person("bob", "Robert Miller", "222", ("Bob",)),
            Person("john-smith", "John Smith", "223"),
            Person("john-doe", "John Doe", "224"),
            Person("lee", "Doctor Lee", "225"),
            Person("tobias", "Tobias Renner", "226"),
            Person("lucia", "Lucia Marchetti", "227"),
            Person("katherine", "Katherine Philips", "228"),
            Person("will", "Will May", "229"),
            Person("emma", "Emma Green", "248", ("missus green",)),
        ),
        dids=(Did("+4930123456"),),
        hours=HOURS,
        operator="reception",
        emergency="emma",
        version="v1",
    )  # fmt: skip
