"""What models cost: counted by day, model, avatar and purpose; budgets that stop what is over them, and until when."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from anima.gateway import service as gateway
from anima.gateway.model import Model
from anima.kernel import clock, db
from anima.vendors.llm.calls import Message, Usage
from fixtures.api import MakeUser, Person
from fixtures.stub_llm import StubLLM
from fixtures.turns import make_avatar

Setting = Callable[[str, str], None]
HELLO: list[Message] = [{"role": "user", "content": "Hello"}]
USED = Usage(1000, 200, 100)
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def prices(setting: Setting, stub_llm: StubLLM, tmp_path: Path) -> Model:
    """A model with a price, and one without in the role `coding`; the first."""
    general = {"provider": "vllm", "model": "dear", "endpoint": stub_llm.url, "price": {"prompt": 10, "completion": 20}}
    coding = {"provider": "vllm", "model": "unpriced", "endpoint": stub_llm.url}
    path = tmp_path / "llm.json"
    path.write_text(json.dumps({"profiles": {"mine": {"general": general, "coding": coding}}}))
    setting("LLM_MODELS_CONFIG_PATH", str(path))
    return gateway.default()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time in the story."""
    moments = [NOON]
    monkeypatch.setattr(clock, "now", lambda: moments[0])
    return moments


def note(person: Person, model: Model | str, avatar: str | None = None, used: Usage | None = USED) -> None:
    with db.transaction(person.principal) as tx:
        gateway.note_spend(tx, person.user_id, uuid.UUID(avatar) if avatar else None, model, used, "turn")


def check(person: Person, avatar: str | None = None) -> None:
    with db.transaction(person.principal) as tx:
        budget = gateway.begin_budget(tx, person.user_id, uuid.UUID(avatar) if avatar else None)
    budget.check()


def usage(person: Person, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = person.http.get("/api/v1/usage", params=query).json()["items"]
    return items


def set_budgets(person: Person, *items: dict[str, Any]) -> Any:
    return person.http.put("/api/v1/users/me/budgets", json={"items": list(items)})


def test_calls_are_counted_by_day_model_avatar_and_purpose(alice: Person, prices: Model) -> None:
    avatar = make_avatar(alice)
    for _ in range(2):
        note(alice, prices, avatar)
    note(alice, "vllm:unpriced")
    unpriced, dear = usage(alice)
    assert (dear["model"], dear["avatar_id"], dear["calls"]) == ("vllm:dear", avatar, 2)
    assert (dear["prompt_tokens"], dear["completion_tokens"], dear["cached_tokens"]) == (2000, 400, 200)
    assert dear["cost"] == "0.028000"
    assert (unpriced["cost"], unpriced["unpriced_calls"], unpriced["avatar_id"]) == (None, 1, None)


def test_what_somebody_spent_is_nobody_elses_business(alice: Person, make_user: MakeUser, prices: Model) -> None:
    note(alice, prices)
    assert usage(make_user()) == []


def test_usage_comes_in_pages_and_of_the_days_that_are_asked_for(
    alice: Person, prices: Model, now: list[datetime]
) -> None:
    for day in range(3):
        now[0] = NOON - timedelta(days=2 - day)
        note(alice, prices)
    page = alice.http.get("/api/v1/usage", params={"limit": 2}).json()
    assert [row["day"] for row in page["items"]] == ["2026-11-30", "2026-11-29"]
    rest = alice.http.get("/api/v1/usage", params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert [row["day"] for row in rest["items"]] == ["2026-11-28"]
    assert rest["next_cursor"] is None
    assert [row["day"] for row in usage(alice, first="2026-11-29", last="2026-11-29")] == ["2026-11-29"]
    assert alice.http.get("/api/v1/usage", params={"first": "2027-01-01", "last": "2026-01-01"}).status_code == 422


def test_a_budget_of_tokens_stops_until_its_day_ends(alice: Person, prices: Model, now: list[datetime]) -> None:
    assert set_budgets(alice, {"period": "day", "max_tokens": 2000}).status_code == 200
    note(alice, prices)
    check(alice)
    note(alice, prices)
    with pytest.raises(gateway.BudgetExceeded, match="2000 tokens a day") as over:
        check(alice)
    assert (over.value.status, over.value.retry_after) == (429, 12 * 3600)
    (held,) = alice.http.get("/api/v1/users/me/budgets").json()["items"]
    assert (held["tokens"], held["max_tokens"]) == (2400, 2000)
    now[0] += timedelta(hours=12)
    check(alice)


def test_a_budget_of_money_counts_the_month(alice: Person, prices: Model, now: list[datetime]) -> None:
    set_budgets(alice, {"period": "month", "max_cost": "0.02"})
    now[0] = NOON.replace(day=1)
    note(alice, prices)
    now[0] = NOON
    check(alice)
    note(alice, prices)
    with pytest.raises(gateway.BudgetExceeded, match=r"0\.02 USD a month"):
        check(alice)
    now[0] += timedelta(days=1)
    check(alice)


def test_a_budget_of_an_avatar_leaves_the_others_alone(alice: Person, prices: Model) -> None:
    one, other = make_avatar(alice), make_avatar(alice)
    set_budgets(alice, {"avatar_id": one, "period": "day", "max_tokens": 0})
    check(alice, other)
    check(alice)
    with pytest.raises(gateway.BudgetExceeded, match="for this avatar"):
        check(alice, one)


def test_what_an_admin_imposes_is_seen_and_not_lifted(alice: Person, make_user: MakeUser, prices: Model) -> None:
    admin = make_user("admin")
    place = f"/api/v1/users/{alice.user_id}/budgets"
    assert alice.http.put(place, json={"items": []}).status_code == 403
    assert admin.http.put(place, json={"items": [{"period": "day", "max_tokens": 100}]}).status_code == 204
    kept = set_budgets(alice).json()["items"]
    assert [(one["imposed"], one["max_tokens"]) for one in kept] == [(True, 100)]
    with db.transaction(alice.principal) as tx:  # not with plain SQL either
        gone = tx.execute(db.Command("delete from llm_budgets where imposed"))
        changed = tx.execute(db.Command("update llm_budgets set max_tokens = 10000"))
        assert (gone.count(), changed.count()) == (0, 0)
    note(alice, prices)
    with pytest.raises(gateway.BudgetExceeded):
        check(alice)
    assert admin.http.put(place, json={"items": []}).status_code == 204
    check(alice)
    assert (
        admin.http.put(
            "/api/v1/users/99999999/budgets", json={"items": [{"period": "day", "max_tokens": 1}]}
        ).status_code
        == 404
    )


@pytest.mark.parametrize(
    "items",
    [
        [{"period": "day"}],
        [{"period": "week", "max_tokens": 1}],
        [{"period": "day", "max_tokens": -1}],
        [{"period": "day", "max_cost": "NaN"}],
        [{"period": "day", "max_tokens": 1}, {"period": "day", "max_cost": 1}],
    ],
)
def test_a_budget_that_is_none_changes_nothing(alice: Person, items: list[dict[str, Any]]) -> None:
    set_budgets(alice, {"period": "month", "max_tokens": 5})
    assert set_budgets(alice, *items).status_code == 422
    assert [one["max_tokens"] for one in alice.http.get("/api/v1/users/me/budgets").json()["items"]] == [5]


def test_a_strangers_avatar_has_no_budget_of_mine(alice: Person, make_user: MakeUser) -> None:
    stranger = make_avatar(make_user())
    answer = set_budgets(alice, {"avatar_id": stranger, "period": "day", "max_tokens": 1})
    assert answer.status_code == 404


def test_who_works_in_the_background_pays_too_and_stops_when_it_is_used_up(
    alice: Person, prices: Model, stub_llm: StubLLM
) -> None:
    account = gateway.Account(alice.principal, alice.user_id, None, "summary")
    gateway.complete(prices, HELLO, max_tokens=20, account=account)
    (row,) = usage(alice)
    assert (row["purpose"], row["calls"]) == ("summary", 1)
    assert row["prompt_tokens"] > 0
    set_budgets(alice, {"period": "day", "max_tokens": 1})
    asked = len(stub_llm.chats)
    with pytest.raises(gateway.BudgetExceeded):
        gateway.complete(prices, HELLO, max_tokens=20, account=account)
    assert len(stub_llm.chats) == asked


def test_deleting_an_avatar_empties_no_budget_and_an_account_takes_all_along(
    alice: Person, prices: Model, owner_conn: Any
) -> None:
    avatar = make_avatar(alice)
    note(alice, prices, avatar)
    set_budgets(alice, {"period": "day", "max_tokens": 1000})
    assert alice.http.delete(f"/api/v1/avatars/{avatar}").status_code in (200, 202, 204)
    with pytest.raises(gateway.BudgetExceeded):
        check(alice)
    owner_conn.execute("delete from users where user_id = %s", [alice.user_id])
    left = owner_conn.execute("select count(*) from llm_spend where owner_id = %s", [alice.user_id]).fetchone()
    assert left == (0,)


def test_models_and_providers_are_listed(alice: Person, prices: Model, setting: Setting) -> None:
    setting("GROQ_API_KEY", "k-1")
    answer = alice.http.get("/api/v1/models").json()
    by_id = {one["id"]: one for one in answer["items"]}
    assert (by_id["vllm:dear"]["default"], by_id["vllm:dear"]["roles"]) == (True, ["general"])
    providers = {one["name"]: one for one in answer["providers"]}
    assert len(providers) == 14
    assert providers["groq"]["configured"]
    assert (providers["anthropic"]["configured"], providers["anthropic"]["setting"]) == (False, "ANTHROPIC_API_KEY")
