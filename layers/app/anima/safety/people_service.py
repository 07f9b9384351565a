"""What a person sets of safety, what an admin says of their age, and the report of a year."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from anima.kernel import audit, auth, db
from anima.kernel.errors import BadInput, FieldError, Forbidden, NotFound
from anima.safety import people_repo, resources
from anima.safety.people_repo import Person

OPERATOR = db.Principal(user_id=None, login="admin")
_NOBODY = Person("unknown", None, None, False)


class OnlyAdminsLift(Forbidden):
    """That somebody is under age is taken back by an admin only."""

    slug = "only-admins-lift"


class CountryNotListed(NotFound):
    """No line that helps is known here for {country}; there are those of {countries}."""

    slug = "country-not-listed"


def of_person(principal: db.Principal) -> Person:
    """What holds for the caller."""
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        found = people_repo.person(tx, owner_id)
    return found.first() or _NOBODY


def change(principal: db.Principal, given: dict[str, Any]) -> Person:
    """Sets what the caller gives: `country` (none: not known), `minor` (true only), `breaks`.

    Raises BadInput, and OnlyAdminsLift for minor=false.
    """
    owner_id, country = _owner(principal), given.get("country")
    if country is not None and not re.fullmatch(r"[A-Z]{2}", country):
        wrong = FieldError("country", "two capital letters (ISO 3166-1), as in FR")
        raise BadInput(reason="the country is not known", fields=[wrong])
    if given.get("minor") is False and of_person(principal).age == "minor":
        raise OnlyAdminsLift
    with db.transaction(principal) as tx:
        kept = people_repo.set_person(
            tx,
            owner_id,
            minor=bool(given.get("minor")),
            breaks=given.get("breaks"),
            country=country,
            sets_country="country" in given,
        )
    return kept.one()


def set_age(principal: db.Principal, user_id: int, age: str) -> None:
    """An admin says whether somebody is of age; it is written into the audit log. Raises Forbidden, NotFound."""
    import psycopg.errors

    auth.require(principal, "admin")
    try:
        with db.transaction(OPERATOR) as tx:
            audit.note(tx, principal, "safety.age", subject=f"user {user_id}", detail={"age": age})
            people_repo.set_age(tx, user_id, age)
    except psycopg.errors.ForeignKeyViolation:
        raise NotFound(what="user", id=user_id) from None


def report(principal: db.Principal, year: int) -> dict[str, Any]:
    """Counts of a year by kind, month and country; no words and no users. Raises Forbidden."""
    auth.require(principal, "admin")
    return counted(year)


def counted(year: int) -> dict[str, Any]:
    """The report, for whoever holds the operators' login."""
    with db.transaction(OPERATOR) as tx:
        found = people_repo.counts(tx, year)
    total: Counter[str] = Counter()
    for one in found.all():
        total[one.kind] += one.n
    items = [
        {"month": one.month.strftime("%Y-%m"), "kind": one.kind, "country": one.country or None, "count": one.n}
        for one in found.all()
    ]
    return {"year": year, "total": dict(sorted(total.items())), "items": items}


def help_in(country: str | None) -> dict[str, Any]:
    """The lines of a country with their sources, and where to look in any other. Raises NotFound."""
    if country is not None and country not in resources.countries():
        raise CountryNotListed(country=country, countries=", ".join(resources.countries()))
    return help_where(country)


def help_where(country: str | None) -> dict[str, Any]:
    """The same; where a country is not in the list, the international directories."""
    return {
        "checked": resources.checked(),
        "countries": resources.countries(),
        **resources.of_country(country).as_json(),
        "international": resources.anywhere().as_json()["lines"],
    }


def _owner(principal: db.Principal) -> int:
    assert principal.user_id is not None, "only a user asks"
    return principal.user_id
