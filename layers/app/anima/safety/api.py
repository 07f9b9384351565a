"""HTTP of safety: what holds for you, lines that help, and for admins ages and the report of a year."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from anima.kernel import clock, http
from anima.safety import people_service as service
from anima.safety.place import country_of

router = APIRouter(tags=["safety"])

UserId = Annotated[int, Path(gt=0, lt=2**63)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1, two letters")]
_PERSON = {"age": "unknown", "age_by": None, "country": "FR", "breaks": False}
_LINE = {
    "name": "3114, numéro national de prévention du suicide",
    "phone": "3114",
    "text": "",
    "url": "https://3114.fr",
    "hours": "24/7",
    "source": "https://3114.fr",
    "checked": "2026-11-21",
    "how": "known",
}
_HELP = {
    "checked": "2026-11-21",
    "country": "FR",
    "emergency": "112",
    "lines": [_LINE],
    "international": [{**_LINE, "name": "Find A Helpline", "phone": "", "url": "https://findahelpline.com"}],
    "countries": ["BE", "CA", "FR"],
}
_REPORT = {
    "year": 2026,
    "total": {"crisis": 3},
    "items": [{"month": "2026-11", "kind": "crisis", "country": "FR", "count": 3}],
}


class PersonAnswer(BaseModel):
    """What holds for you."""

    age: Literal["unknown", "minor", "adult"]
    age_by: Literal["statement", "person", "admin"] | None = Field(description="Who said so")
    country: str | None = Field(description="Where lines that help are looked for")
    breaks: bool = Field(description="Whether you asked to be reminded of a break")


class PersonChange(http.Body):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"country": "FR", "breaks": True}]})
    country: Country | None = None
    minor: bool | None = Field(None, description="true turns the mode for minors on; only an admin turns it off")
    breaks: bool | None = None


class AgeChange(http.Body):
    """What an admin says of somebody's age."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"age": "minor"}]})
    age: Literal["unknown", "minor", "adult"]


class LineAnswer(BaseModel):
    """A line that helps; `source`, `checked` and `how` say where its number was read."""

    name: str
    phone: str
    text: str
    url: str
    hours: str
    source: str
    checked: str
    how: str


class HelpAnswer(BaseModel):
    """Help in a country; `country` is null where only the international directories are known."""

    checked: str
    country: str | None
    emergency: str
    lines: list[LineAnswer]
    international: list[LineAnswer]
    countries: list[str] = Field(description="The countries of the list")


class CountAnswer(BaseModel):
    """How often something happened."""

    month: str
    kind: str
    country: str | None
    count: int


class ReportAnswer(BaseModel):
    """Counts of a year; they hold no words and no users."""

    year: int
    total: dict[str, int]
    items: list[CountAnswer]


@router.get(
    "/users/me/safety",
    summary="What holds for your safety",
    response_model=PersonAnswer,
    responses={**http.example(_PERSON), **http.problems()},
)
def of_me(caller: http.Caller) -> dict[str, Any]:
    """Whether you are of age, as far as that is known; your country; reminders of a break."""
    return asdict(service.of_person(caller))


@router.put(
    "/users/me/safety",
    summary="Change what holds for your safety",
    response_model=PersonAnswer,
    responses={**http.example(_PERSON), **http.problems(403)},
)
def change_mine(caller: http.Caller, body: PersonChange) -> dict[str, Any]:
    """What is left out stays. `country: null` forgets the country. `minor: true` turns the mode for minors on."""
    return asdict(service.change(caller, body.model_dump(exclude_unset=True)))


@router.put(
    "/users/{user_id}/safety",
    summary="Say whether somebody is of age",
    status_code=204,
    responses=http.problems(403, 404),
)
def set_age(caller: http.AdminCaller, user_id: UserId, body: AgeChange) -> None:
    """Admins only; it is written into the audit log. Of an adult no statement of age is believed any more."""
    service.set_age(caller, user_id, body.age)


@router.get(
    "/safety/resources",
    summary="Lines that help in a crisis",
    response_model=HelpAnswer,
    responses={**http.example(_HELP), **http.problems(404)},
)
def lines(
    request: Request,
    caller: http.Caller,
    country: Annotated[str | None, Query(pattern="^[A-Z]{2}$", description="Not given: yours")] = None,
) -> dict[str, Any]:
    """Of a country; not given: of the one that you set, else of the one that the request comes from."""
    if country is not None:
        return service.help_in(country)
    found = service.of_person(caller).country or country_of(request.headers)
    return service.help_where(found)


@router.get(
    "/safety/report",
    summary="What safety met in a year",
    response_model=ReportAnswer,
    responses={**http.example(_REPORT), **http.problems(403)},
)
def report(
    caller: http.AdminCaller,
    year: Annotated[int | None, Query(ge=2020, le=2200, description="Not given: this one")] = None,
) -> dict[str, Any]:
    """Admins only: counts by kind, month and country, as some laws want them once a year."""
    return service.report(caller, year or clock.now().year)
