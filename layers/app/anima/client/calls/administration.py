"""Running the place: models, budgets and what was spent, settings, and how the service and its database are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from anima.client.call import Given, Pause, Steps, present
from anima.client.operations import listing, operation, steps
from anima.client.results.administration import (
    Budget,
    BudgetList,
    Model,
    ModelCatalogue,
    Provision,
    Settings,
    Spent,
)
from anima.client.results.health import DatabaseHealth, Health

_LOOK_SECONDS = 0.5


class Administration:
    """Models, budgets, settings, health."""

    @listing("/models", Model)
    def list_models(self) -> Given:
        """The models that may answer, and which does by default."""
        return Given()

    @operation("GET", "/models", ModelCatalogue)
    def get_catalogue(self) -> Given:
        """The models, and the providers with what each of them wants to be configured by."""
        return Given()

    @operation("POST", "/models/provision", Provision)
    def start_provision(self, roles: Sequence[str] = (), *, force: bool = False) -> Given:
        """Fetches or checks what the profile's roles need (none given: all); `get_provision` says how far it is."""
        return Given(body={"roles": roles, "force": force})

    @operation("GET", "/models/provision", Provision)
    def get_provision(self) -> Given:
        """How far fetching models is."""
        return Given()

    @steps
    def provision(
        self,
        roles: Sequence[str] = (),
        *,
        force: bool = False,
        on_progress: Callable[[Provision], object] | None = None,
    ) -> Steps[Provision]:
        """Fetches or checks what the roles need, and waits for it; `on_progress` hears each look (admins)."""
        now = yield from Administration.start_provision.steps(roles, force=force)
        while True:
            if on_progress is not None:
                on_progress(now)
            if now.state == "done":
                return now
            yield Pause(_LOOK_SECONDS)
            now = yield from Administration.get_provision.steps()

    @listing("/usage", Spent)
    def list_usage(self, *, first: date | None = None, last: date | None = None) -> Given:
        """What models cost you, by day, model, avatar and purpose, the newest first."""
        return Given(query=present(first=first, last=last))

    @listing("/users/me/budgets", Budget)
    def list_budgets(self) -> Given:
        """Your budgets, and what of them is spent."""
        return Given()

    @operation("PUT", "/users/me/budgets", BudgetList)
    def set_budgets(self, budgets: Sequence[Mapping[str, Any]]) -> Given:
        """Puts budgets in place of yours: each with `period`, `max_tokens` and `max_cost`, or for one `avatar_id`."""
        return Given(body={"items": budgets})

    @operation("PUT", "/users/{user_id}/budgets")
    def impose_budgets(self, user_id: int, budgets: Sequence[Mapping[str, Any]]) -> Given:
        """Sets bounds to what somebody may spend (admins)."""
        return Given({"user_id": user_id}, body={"items": budgets})

    @operation("GET", "/settings", Settings)
    def get_settings(self) -> Given:
        """What can be set while the service runs (admins)."""
        return Given()

    @operation("PUT", "/settings", Settings)
    def change_settings(self, values: Mapping[str, bool | int | float | str]) -> Given:
        """Sets values by their keys (admins)."""
        return Given(body={"values": values})

    @operation("GET", "//healthz", Health, open=True)
    def get_health(self) -> Given:
        """Whether the service runs."""
        return Given()

    @operation("GET", "//readyz", Health, open=True)
    def get_readiness(self) -> Given:
        """Whether it can answer: its database is there and migrated."""
        return Given()

    @operation("GET", "/health/database", DatabaseHealth)
    def get_database_health(self) -> Given:
        """How the database is (admins)."""
        return Given()
