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
from fixtures.measured import until
from fixtures.stub_llm import StubLLM

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
values (%(job_id)s, %(owner_id)s, %(name)s, %(kind)s, %(status)s, 'local', %(configuration)s, %(run_id)s, 1,
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
            "kind": "simulation",
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


def measured(visit: Any, name: str, slope: float, resets: tuple[int, ...] = ()) -> str:
    """A run that measured its return, its error and a hostile thing at four thousands of steps, and its resets."""
    run = visit.person.http.post("/api/v1/registry/runs", json={"name": name}).json()["run_id"]
    values = [
        {"step": step, "name": metric, "value": value}
        for step in range(1000, 5000, 1000)
        for metric, value in (("return_mean", slope * step), ("td_error", 0.5), (EVIL, 0.25))
    ]
    values += [{"step": step, "name": "reset", "value": 1.0} for step in resets]
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
            sample |= {"resets": [10 * step - 5] if step in (20, 40) else [], "reset": False}
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
    slow = seeded(visit, "slow", "completed", run_id=measured(visit, "slow", 0.01, (1500, 2700)))
    quick = seeded(visit, "quick", "completed", mode="MAX", run_id=measured(visit, "quick", 0.02))
    seeded(visit, EVIL, "queued", waiting_for="gpus", gpus=1)
    visit.page.add_init_script(WRITTEN)
    page = visit.sign_in("#/learning")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=EVIL))
    expect(row).to_contain_text("waiting")
    expect(row).to_contain_text("for a GPU: others have them")
    page.get_by_role("checkbox", name="Compare slow").check()
    page.get_by_role("checkbox", name="Compare quick").check()
    page.get_by_text("Metrics (1)").click()
    expect(page.get_by_role("checkbox", name="reset")).to_have_count(0)
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
    expect(plots.locator(".resets")).to_have_text(
        ["Dashed, “reset”: slow took the world to have changed, at steps 1,500 and 2,700."]
    )
    assert page.evaluate("words.filter((one) => one === 'reset').length") % 6 == 0, "two marks in three plots"
    plots.focus()
    page.keyboard.press("Home")
    expect(plots.get_by_text("at step 1,000")).to_be_visible()
    expect(plots.get_by_text("slow 10", exact=True)).to_be_visible()
    until(page, f"{CURSORS}.every((at) => at >= 0 && at < 5)")
    over = page.locator(".u-over")
    over.nth(1).hover(position={"x": over.nth(1).bounding_box()["width"] - 2, "y": 20})
    expect(plots.get_by_text("at step 4,000")).to_be_visible()
    until(page, f"{CURSORS}.every((at) => at > 50)")
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
    expect(page.get_by_text("it took the world to have changed, at steps 195 and 395.")).to_be_visible()
    expect(page.get_by_text("step 590, episode 11")).to_be_visible()
    expect(page.locator("figcaption").filter(has_text=EVIL)).to_be_visible()
    page.get_by_role("group", name=re.compile("Live plots")).focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("dopamine 51 nM")).to_be_visible()
    visit.shot("learning-live")
    page.keyboard.press("Escape")
    told = ["It is a Box.", "Out of memory.", "a: b, did you mean c?"]
    assert of_module(page, "jobs", WORDS) == [*told, "x 01a20349-c79e", "x 01a20349-d638", "x"]
    assert kept(page) == [True, 151, 250, 9, 50, 2, None, [200, 240], [200, 205]]
    away(page)
    expect(page.get_by_text("dopamine 109 nM")).to_be_visible()
    live(job, 60, 70)
    page.unroute("**/live")
    expect(page.get_by_text("dopamine 119 nM")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused: these are its last values.")).to_be_visible()
    expect(page.get_by_text("dopamine 119 nM")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


WRITTEN = """
window.words = [];
const fill = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (word, ...rest) {
    window.words.push(word);
    return fill.call(this, word, ...rest);
};
"""
"""What is written into plots."""

RING = """
async ([path]) => {
    const { Ring, marked } = await import(path);
    const ring = new Ring(100);
    for (let step = 1; step <= 250; step += 1) ring.push(step, [['level', step === 222 ? 9 : step === 180 ? NaN : 1]]);
    const { x, columns } = ring.drawn(20);
    const peak = Math.max(...columns.get('level'));
    ring.push(200, [['level', 2]]);
    const whole = ring.drawn(500).columns.get('level');
    return [x.length <= 20, x[0], x.at(-1), peak, ring.length, ring.last('level'), whole[29],
        marked([100, 200, 240], [240], 250, 151), marked([200, 240], [205], 210, 151)];
}
"""


def kept(page: Page) -> list[Any]:
    """What a ring of a hundred points has after 250 of them, one of them a peak, and after going back to the 200th;
    and which marks are left.
    """
    return of_module(page, "ring", RING)


def of_module(page: Page, name: str, script: str) -> list[Any]:
    """What a script finds that imports a module of the place."""
    loaded = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    found: list[Any] = page.evaluate(script, [next(url for url in loaded if url.endswith(f"learning/{name}.js"))])
    return found


WORDS = """
async ([path]) => {
    const { sentence, calledIn } = await import(path);
    const one = { job_id: '01a20349-c79e-7000-934d', name: 'x' };
    const same = { job_id: '01a20349-d638-7000-a2ef', name: 'x' };
    return [...['not-discrete: It is a Box..', 'Out of memory', 'a: b, did you mean c?.'].map(sentence),
        calledIn(one, [one, same]), calledIn(same, [one, same]), calledIn(one, [one, { ...same, name: 'y' }])];
}
"""


def away(page: Page) -> None:
    """The server goes away under the plots."""

    def refused(route: Route) -> None:
        route.abort("connectionrefused")

    page.route("**/live", refused)
    expect(page.get_by_text("The server does not answer")).to_be_visible()


def test_a_failed_run_tells_why(researcher: Callable[..., Any], seeded: Callable[..., uuid.UUID]) -> None:
    visit = researcher(**PHONE)
    words = f"Step 812 raised ValueError: {EVIL}"
    error = f"environment-broke: {words}.."
    job = seeded(visit, EVIL, "failed", error=error, exit_code=137)
    page = visit.sign_in("#/learning")
    page.get_by_role("link", name=EVIL).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("most likely because memory ran out")
    expect(alert.locator(".said")).to_have_text(f"{words}.")
    visit.shot("learning-failed")
    assert page.evaluate("document.querySelector('.work').scrollWidth") <= 390
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No run yet.")).to_be_visible()
    assert visit.person.http.get(f"/api/v1/jobs/{job}").status_code == 404


def test_a_batch_is_asked_for_counted_and_its_answers_are_saved(
    researcher: Callable[..., Any], stub_llm: StubLLM
) -> None:
    stub_llm.always(lambda body: f"Of {body['messages'][-1]['content']}: {EVIL}")
    visit = researcher()
    page = visit.sign_in("#/learning")
    page.get_by_role("link", name="Start a batch").click()
    page.get_by_label("Answered by").select_option("a provider of the settings")
    page.get_by_role("textbox", name="Model", exact=True).fill("gpt-of-the-tests")
    page.get_by_role("spinbutton", name="Temperature").fill("0")
    lines = page.get_by_role("textbox", name="Lines")
    start = page.get_by_role("button", name="Start")
    start.click()
    expect(page.get_by_role("alert")).to_contain_text("There is no line in it yet.")
    page.get_by_text("Further settings").click()
    page.get_by_label("As JSON").fill('{"input": "local:of/somebody/else"}')
    start.click()
    expect(page.get_by_role("alert")).to_contain_text("input lines, or a file of the object store below batches/")
    page.get_by_label("As JSON").fill("")
    lines.fill('{"id": 1, "prompt": "a sea"}\n{"id": 2,\n{"id": 3, "promt": "a lake"}\n{"prompt": "a pond"}')
    start.click()
    wrong = page.get_by_role("list", name="What is wrong with it")
    expect(wrong.get_by_role("listitem").nth(1)).to_contain_text("has none or several of prompt, messages and text")
    expect(wrong.get_by_role("listitem").nth(2)).to_contain_text("has no id")
    wrong.get_by_role("button", name="Line 2").click()
    assert lines.evaluate("(one) => one.value.slice(one.selectionStart, one.selectionEnd)") == '{"id": 2,'
    visit.shot("learning-batch-wrong")
    page.get_by_label("A file of lines").set_input_files(
        {"name": "seas.txt", "mimeType": "text/plain", "buffer": b"a sea\n\na lake\na sea\n"}
    )
    expect(page.get_by_text("3 lines", exact=True)).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("seas")
    page.get_by_label("As JSON").fill('{"concurrency": 0}')
    start.click()
    expect(wrong).to_contain_text("concurrency")
    page.get_by_label("As JSON").fill('{"concurrency": 1, "parameters": {"seed": 4}}')
    visit.shot("learning-batch-new")
    start.click()
    expect(page.locator("header .state")).to_have_text("finished", timeout=60_000)
    counts = page.locator(".counts > div")
    expect(counts.filter(has_text="lines done")).to_contain_text("3 of 3")
    expect(counts.filter(has_text="answered from the cache")).to_contain_text("1 line (33 %)")
    expect(counts.filter(has_text="tokens that the cache saved")).to_contain_text(re.compile(r"[1-9]\d* \("))
    expect(page.get_by_role("row").filter(has_text="from the cache")).to_contain_text(f"Of a sea: {EVIL}")
    expect(page.get_by_role("link", name="Metrics")).to_have_count(0)
    visit.shot("learning-batch")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the answers").click()
    assert saved.value.suggested_filename == "seas.out.jsonl"
    rows = [json.loads(line) for line in saved.value.path().read_text().splitlines()]
    assert [(row["id"], row.get("cached", False)) for row in rows] == [(1, False), (3, False), (4, True)]
    page.get_by_role("link", name="Configuration").click()
    page.get_by_role("link", name="Start one like it").click()
    expect(lines).to_have_value(re.compile(r'^{"id":1,"prompt":"a sea"}\n.*"id":4', re.DOTALL))
    expect(page.get_by_label("Temperature")).to_have_value("0")
    expect(page.get_by_label("As JSON")).to_have_value(re.compile('"seed": 4'))


@pytest.mark.parametrize("given", [PHONE, DARK], ids=["phone", "dark"])
def test_a_batch_fits_a_phone_and_needs_no_mouse(
    researcher: Callable[..., Any], seeded: Callable[..., uuid.UUID], given: dict[str, Any]
) -> None:
    visit = researcher(**given)
    page = visit.sign_in("#/learning/batch")
    many = {"name": "seas.txt", "mimeType": "text/plain", "buffer": b"Name a sea.\n" * 10_001}
    page.get_by_label("A file of lines").set_input_files(many)
    expect(page.get_by_text("10,001 lines", exact=True)).to_be_visible()
    page.get_by_label("Answered by").focus()
    page.keyboard.press("e")  # … for embeddings
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Start":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("These are 10,001 lines, and one batch takes 10,000")
    visit.shot(f"learning-batch-new-{'phone' if given is PHONE else 'dark'}")
    assert page.evaluate("document.querySelector('.work').scrollWidth") <= given["viewport"]["width"]
    broken = seeded(visit, "broken", "failed", kind="batch_inference", error="engine-down: Nobody answers", exit_code=1)
    visit.go(f"#/learning?run={broken}")
    expect(page.get_by_text("Batches have no curves")).to_be_visible()
    page.get_by_role("link", name="broken").click()
    expect(page.get_by_role("alert")).to_contain_text("Nobody answers.")
    expect(page.get_by_role("alert")).to_contain_text("asks nothing twice")
    progress = {"tokens": 5120, "tokens_per_second": 512.25, "cache_hits": 300, "cache_saved_tokens": 1536, "failed": 2}
    job = seeded(visit, EVIL, "running", kind="batch_inference", progress=progress)
    visit.go(f"#/learning/{job}")
    expect(page.get_by_text("1,536 (23 %)")).to_be_visible()
    expect(page.get_by_text("1,200 of 4,000")).to_be_visible()
    visit.shot(f"learning-batch-{'phone' if given is PHONE else 'dark'}")
    assert page.evaluate("document.querySelector('.work').scrollWidth") <= given["viewport"]["width"]
