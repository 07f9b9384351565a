"""The models of the registry in a browser: structure, lineage, checkpoints, attention."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import psycopg
import pytest
from playwright.sync_api import expect

from anima import registry
from anima.inference import attention_service
from anima.inference.attention_model import Recorded
from anima.kernel import db
from anima.registry import compress_service
from anima.registry.model import Model

pytestmark = pytest.mark.browser

Visiting = Callable[..., Any]
WIDE = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
ROLE = "insert into user_roles (user_id, role_id) select %s, role_id from roles where role_name = 'researcher'"
TOKENS = ("the", "tide", "turns", "at", "noon")


@pytest.fixture
def researcher(visiting: Visiting, owner_conn: psycopg.Connection[Any]) -> Callable[..., Any]:
    """Opens the page for somebody who trains models, and has one with a quantised version, a run and attention."""

    def begun(**given: Any) -> Any:
        visit = visiting(**(given or WIDE))
        owner_conn.execute(ROLE, [visit.person.user_id])
        return visit

    return begun


def trained(user_id: int) -> tuple[db.Principal, Model]:
    """A small model of theirs that was trained for two checkpoints, and made smaller."""
    principal = db.Principal(user_id)
    made = registry.example(principal).model
    run = registry.runs.begin(principal, "warm up", model_id=made.model_id, total_epochs=1)
    weights = {"w": np.arange(6, dtype=np.float32), "frozen": np.ones(4, np.float32)}
    for step, loss in ((10, 0.5), (20, 0.25)):
        weights["w"] = weights["w"] + np.float32(step) / 100
        run.save(weights, step=step, metrics={"loss": loss}, is_best="lowest:loss", wait=True)
    return principal, made


def test_who_only_talks_sees_no_models(visiting: Visiting) -> None:
    page = visiting(**WIDE).sign_in()
    expect(page.get_by_role("link", name="Knowledge")).to_be_visible()
    expect(page.get_by_role("link", name="Models")).to_have_count(0)
    expect(page.get_by_role("link", name="Learning")).to_have_count(0)


def test_an_empty_shelf_says_how_a_model_comes_in(researcher: Callable[..., Any]) -> None:
    visit = researcher()
    page = visit.sign_in()
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_text("anima model import")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Keys and values"))).to_be_visible()


def test_a_model_is_looked_into_deployed_and_rolled_back(researcher: Callable[..., Any]) -> None:
    visit = researcher()
    _, made = trained(visit.person.user_id)
    page = visit.sign_in("#/models")
    page.get_by_role("link", name="example@1").click()
    tree = page.get_by_role("list", name="Layers")
    expect(tree).to_contain_text("Block 1")
    tree.get_by_text("Block 0").click()
    tree.get_by_text("model.layers.0.self_attn", exact=True).click()
    row = tree.get_by_role("row", name=re.compile(re.escape("k_proj.weight")))
    expect(row).to_contain_text("32 × 64")
    expect(row).to_contain_text("float32")
    visit.shot("models-structure")
    visit.person.http.patch(f"/api/v1/registry/models/{made.model_id}", json={"status": "trained"})
    page.reload()
    page.get_by_role("button", name="Deploy").click()
    expect(page.locator("header .state")).to_have_text("deployed")


def test_versions_stand_below_what_they_were_made_of(researcher: Callable[..., Any]) -> None:
    visit = researcher()
    principal, made = trained(visit.person.user_id)
    small = compress_service.quantize(principal, made.model_id, bits=8)
    page = visit.sign_in(f"#/models/{small.model_id}/lineage")
    lineage = page.get_by_role("list", name="Lineage").get_by_role("listitem")
    expect(lineage).to_have_count(2)
    expect(lineage.nth(0)).to_contain_text("example@1")
    expect(lineage.nth(1)).to_contain_text("example@2")
    expect(lineage.nth(1)).to_contain_text("bits 8")
    visit.shot("models-lineage")
    lineage.nth(0).get_by_role("link").click()
    expect(page.get_by_role("heading", name="example@1", level=1)).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("warm up"))).to_contain_text("2")


def test_checkpoints_tell_what_they_cost_and_how_they_differ(researcher: Callable[..., Any]) -> None:
    visit = researcher()
    _, made = trained(visit.person.user_id)
    page = visit.sign_in(f"#/models/{made.model_id}/checkpoints")
    best = page.get_by_role("row").filter(has=page.get_by_text("the best", exact=True))
    expect(best).to_have_count(1)
    expect(best).to_contain_text("loss 0.25")
    expect(page.get_by_text("Tensors: 1 the same, 1 changed.")).to_be_visible()
    moved = page.locator("table.difference").get_by_role("row", name=re.compile("^w "))
    expect(moved).to_contain_text("0.2")
    page.get_by_role("button", name="Make it the best").click()
    expect(best).to_contain_text("loss 0.5")
    visit.shot("models-checkpoints")


def test_attention_is_seen_by_layer_and_head(researcher: Callable[..., Any]) -> None:
    visit = researcher(**PHONE)
    principal, made = trained(visit.person.user_id)
    chance = np.random.default_rng(3)
    heads = np.tril(chance.random((2, 5, 5)) + 0.01).astype(np.float32)
    heads[1] = np.eye(5, dtype=np.float32)
    heads /= heads.sum(axis=-1, keepdims=True)
    attention_service.record(principal, made.model_id, [Recorded(TOKENS, {0: heads, 1: heads})])
    page = visit.sign_in(f"#/models/{made.model_id}/attention")
    expect(page.get_by_role("img", name="Attention of layer 0, head 0: 5 words by 5")).to_be_visible()
    page.get_by_role("combobox", name="Head").select_option("1")
    expect(page.get_by_text("“noon” looks at “noon” with 100.0 %")).to_be_visible()
    drawn = "document.querySelector('.heat canvas').getContext('2d').getImageData(%d, 0, 1, 1).data[3]"
    assert [page.evaluate(drawn % column) for column in (0, 50)] == [255, 0]
    assert page.evaluate("document.querySelector('.work').scrollWidth") <= 390
    visit.shot("models-attention")
