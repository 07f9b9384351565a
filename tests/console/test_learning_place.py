"""Learning in a browser: runs begun, watched live, compared; what failed says why, and what was written stays text."""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, Route, expect

from anima.kernel import db
from anima.kernel.config import settings
from anima.training import jobs_service, live_service
from anima.vendors.job_backends import training as backends

pytestmark = pytest.mark.browser

Visiting = Callable[..., Any]
WIDE = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
DARK = {**WIDE, "color_scheme": "dark"}
ROLE = "insert into user_roles (user_id, role_id) select %s, role_id from roles where role_name = 'researcher'"
EVIL = "<img src=x onerror=alert(1)> & <b>bold</b>"
CURSORS = "[...document.querySelectorAll('.u-cursor-x')].map((one) => new DOMMatrix(one.style.transform).e)"
SEEDED = """
insert into training_jobs (job_id, owner_id, name, kind, status, backend, configuration, run_id, attempt, handle,
    step, "of", progress, error, exit_code, gpus, waiting_for, created_at, started_at, updated_at)
values (%(job_id)s, %(owner_id)s, %(name)s, 'simulation', %(status)s, 'local', %(configuration)s, %(run_id)s, 1,
    %(handle)s, %(step)s, 4000, %(progress)s, %(error)s, %(exit_code)s, %(gpus)s, %(waiting_for)s, now(), now(), now())
"""


@pytest.fixture
def researcher(visiting: Visiting, owner_conn: psycopg.Connection[Any]) -> Iterator[Callable[..., Any]]:
    """Opens the page for somebody who trains; in the end none of their jobs goes on."""
    people: list[db.Principal] = []

    def begun(**given: Any) -> Any:
        visit = visiting(**(given or WIDE))
        owner_conn.execute(ROLE, [visit.person.user_id])
        people.append(db.Principal(visit.person.user_id))
        return visit

    yield begun
    for person in people:
        for job in jobs_service.page(person).items:
            with suppress(Exception):
                backends.backend("local").stop(job.attempt_name)
        owner_conn.execute("delete from outbox where owner_id = %s", [person.user_id])
        owner_conn.execute("delete from training_jobs where owner_id = %s", [person.user_id])


@pytest.fixture
def seeded(owner_conn: psycopg.Connection[Any]) -> Callable[..., uuid.UUID]:
    """Enters a job as it would be after some time."""

    def entered(visit: Any, name: str, status: str, mode: str = "STANDARD", **given: Any) -> uuid.UUID:
        job_id = uuid.uuid4()
        simulation = {"environment": {"id": "CartPole-v1"}, "global_settings": {"mode": mode, "max_steps": 4000}}
        row: dict[str, Any] = {"run_id": None, "step": 1200, "error": None, "exit_code": None, "gpus": 0}
        row |= {"waiting_for": None, "progress": {"return_mean": 42.5, "steps_per_second": 3900.0}}
        row |= {
            "job_id": job_id,
            "handle": f"{job_id.hex}-1",
            "owner_id": visit.person.user_id,
            "name": name,
            "status": status,
            **given,
        }
        row["configuration"] = json.dumps({"task": "train", "simulation": simulation})
        owner_conn.execute(SEEDED, {**row, "progress": json.dumps(row["progress"])})
        return job_id

    return entered


def measured(visit: Any, name: str, slope: float) -> str:
    """A run that measured its return, its error and a hostile thing at four thousands of steps."""
    run = visit.person.http.post("/api/v1/registry/runs", json={"name": name}).json()["run_id"]
    values = [
        {"step": step, "name": metric, "value": value}
        for step in range(1000, 5000, 1000)
        for metric, value in (("return_mean", slope * step), ("td_error", 0.5), (EVIL, 0.25))
    ]
    assert visit.person.http.post(f"/api/v1/registry/runs/{run}/metrics", json={"values": values}).status_code == 201
    return str(run)


def live(job_id: uuid.UUID, first: int, last: int) -> Path:
    """What a run has written for its live plots, in the folder where it runs."""
    folder = settings().data_dir / "jobs" / job_id.hex
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "live.jsonl").open("a") as file:
        for step in range(first, last):
            raw = 0.001 * math.exp(step / 10)
            sample = {"t": step / 10, "step": 10 * step, "episode": step // 5, "return": float(step), "epsilon": 0.25}
            sample |= {"learning_rate": min(raw, 100.0), "learning_rate_raw": raw, "discount": 1.0, EVIL: 1.0}
            file.write(json.dumps({**sample, "concentrations": {"dopamine": 50.0 + step, EVIL: 7.0}}) + "\n")
    return folder


def test_a_run_is_begun_seen_live_and_finishes(researcher: Callable[..., Any]) -> None:
    visit = researcher()
    page = visit.sign_in()
    page.get_by_role("link", name="Learning", exact=True).click()
    expect(page.get_by_text("No run yet.")).to_be_visible()
    page.get_by_role("link", name="Start a run").click()
    file = page.get_by_role("textbox", name="Simulation file")
    expect(file).to_have_value(re.compile("CartPole-v1"))
    given = {
        "environment": {"id": "CartPole-v1"},
        "global_settings": {"max_steps": 800, "seed": 3},
        "feedback_loop": {"log_every": 200},
        "rl_plugin": {"batch_size": 0},
    }
    file.fill(json.dumps(given, indent=2))
    page.get_by_role("button", name="Start").click()
    wrong = page.get_by_role("list", name="What is wrong with it")
    expect(wrong.get_by_role("listitem").filter(has_text="rl_plugin.batch_size")).to_contain_text("Line 13")
    wrong.get_by_role("button", name=re.compile("batch_size")).click()
    assert file.evaluate("(one) => one.value.slice(one.selectionStart, one.selectionEnd)") == "0"
    visit.shot("learning-new")
    file.fill(json.dumps({**given, "rl_plugin": {"evaluate_episodes": 1}}))
    page.get_by_label("Name").fill(EVIL)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name=EVIL, level=1)).to_be_visible()
    expect(page.locator("header .state")).to_have_text("finished", timeout=60_000)
    expect(page.get_by_text("Ended: these are its last values.")).to_be_visible()
    expect(page.get_by_text(re.compile(r"dopamine [\d.,]+ nM"))).to_be_visible()
    expect(page.get_by_role("img", name="Epsilon ε, by step")).to_be_visible()
    visit.shot("learning-run")
    page.get_by_role("link", name="Metrics").click()
    expect(page.get_by_role("img", name=re.compile("^return_mean by step"))).to_be_visible()


def test_two_runs_are_laid_over_each_other_on_one_cursor(
    researcher: Callable[..., Any], seeded: Callable[..., uuid.UUID]
) -> None:
    visit = researcher()
    slow = seeded(visit, "slow", "completed", run_id=measured(visit, "slow", 0.01))
    quick = seeded(visit, "quick", "completed", mode="MAX", run_id=measured(visit, "quick", 0.02))
    seeded(visit, EVIL, "queued", waiting_for="gpus", gpus=1)
    page = visit.sign_in("#/learning")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=EVIL))
    expect(row).to_contain_text("waiting")
    expect(row).to_contain_text("for a GPU: others have them")
    page.get_by_role("checkbox", name="Compare slow").check()
    page.get_by_role("checkbox", name="Compare quick").check()
    page.get_by_text("Metrics (1)").click()
    page.get_by_role("checkbox", name="td_error").check()
    page.get_by_role("checkbox", name=EVIL, exact=True).check()
    page.get_by_role("slider", name="Smoothing").fill("0")
    expect(page.get_by_text("How they were set up differently")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("global_settings.mode"))).to_contain_text("MAX")
    page.reload()  # the address holds all of it
    plots = page.get_by_role("group", name=re.compile("Curves"))
    expect(plots.get_by_role("img")).to_have_count(3)
    expect(plots.get_by_text("quick 80", exact=True)).to_be_visible()
    expect(page.get_by_role("slider", name="Smoothing")).to_have_value("0")
    plots.focus()
    page.keyboard.press("Home")
    expect(plots.get_by_text("at step 1,000")).to_be_visible()
    expect(plots.get_by_text("slow 10", exact=True)).to_be_visible()
    page.wait_for_function(f"{CURSORS}.every((at) => at >= 0 && at < 5)")
    over = page.locator(".u-over")
    over.nth(1).hover(position={"x": over.nth(1).bounding_box()["width"] - 2, "y": 20})
    expect(plots.get_by_text("at step 4,000")).to_be_visible()
    page.wait_for_function(f"{CURSORS}.every((at) => at > 50)")
    visit.shot("learning-overlay")
    assert [{"slow": slow, "quick": quick}[name].hex for name in ("slow", "quick")] == [
        one.replace("-", "") for one in re.findall(r"run=([0-9a-f-]{36})", page.url)
    ]


def test_live_plots_of_a_named_run_outlast_the_server_and_the_run(
    researcher: Callable[..., Any],
    seeded: Callable[..., uuid.UUID],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_service, "LONGEST_SECONDS", 0.4)  # each connection is short: the page asks again
    visit = researcher(**DARK)
    job = seeded(visit, "the literal one", "running", mode="MAX")
    live(job, 1, 60)
    page = visit.sign_in()
    visit.go(f"visualisation?job={job}")
    expect(page.get_by_text("max (pathological)")).to_be_visible()
    expect(page.get_by_text("dopamine 109 nM")).to_be_visible()
    expect(page.get_by_text("step 590, episode 11")).to_be_visible()
    expect(page.locator("figcaption").filter(has_text=EVIL)).to_be_visible()
    page.get_by_role("group", name=re.compile("Live plots")).focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("dopamine 51 nM")).to_be_visible()
    visit.shot("learning-live")
    page.keyboard.press("Escape")
    assert kept(page) == [True, 151, 250, 9, 50, 2, None]
    away(page)
    expect(page.get_by_text("dopamine 109 nM")).to_be_visible()
    live(job, 60, 70)
    page.unroute("**/live")
    expect(page.get_by_text("dopamine 119 nM")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused: these are its last values.")).to_be_visible()
    expect(page.get_by_text("dopamine 119 nM")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


RING = """
async ([path]) => {
    const { Ring } = await import(path);
    const ring = new Ring(100);
    for (let step = 1; step <= 250; step += 1) ring.push(step, [['level', step === 222 ? 9 : step === 180 ? NaN : 1]]);
    const { x, columns } = ring.drawn(20);
    const peak = Math.max(...columns.get('level'));
    ring.push(200, [['level', 2]]);
    const whole = ring.drawn(500).columns.get('level');
    return [x.length <= 20, x[0], x.at(-1), peak, ring.length, ring.last('level'), whole[29]];
}
"""


def kept(page: Page) -> list[Any]:
    """What a ring of a hundred points has after 250 of them, one of them a peak, and after going back to the 200th."""
    module = next(
        url
        for url in page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
        if url.endswith("learning/ring.js")
    )
    found: list[Any] = page.evaluate(RING, [module])
    return found


def away(page: Page) -> None:
    """The server goes away under the plots."""

    def refused(route: Route) -> None:
        route.abort("connectionrefused")

    page.route("**/live", refused)
    expect(page.get_by_text("The server does not answer")).to_be_visible()


def test_a_failed_run_tells_why(researcher: Callable[..., Any], seeded: Callable[..., uuid.UUID]) -> None:
    visit = researcher(**PHONE)
    error = f"environment-broke: step 812 raised ValueError: {EVIL}"
    job = seeded(visit, EVIL, "failed", error=error, exit_code=137)
    page = visit.sign_in("#/learning")
    page.get_by_role("link", name=EVIL).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("most likely because memory ran out")
    expect(alert).to_contain_text(error)
    visit.shot("learning-failed")
    assert page.evaluate("document.querySelector('.work').scrollWidth") <= 390
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No run yet.")).to_be_visible()
    assert visit.person.http.get(f"/api/v1/jobs/{job}").status_code == 404
