"""The workflows that deploy the schema, run step by step: what they do for each event, and what they never may.

Their own commands run for real, against the embedded Postgres and a double of Neon; GitHub, AWS and SAM are stood in
for by programs that write down what they were called with.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anima.kernel.postgres import migration_files
from anima.kernel.postgres.migrations import migrate
from anima.kernel.postgres.schema import dump_schema
from fixtures.neon_double import NeonDouble
from fixtures.workflows import ROOT, WORKFLOWS, Runner, load

SCHEMA, STACK = "deploy-db-schema.yml", "deploy.yml"
NEW = "{:04d}_pre_olives"
REPOSITORY = "someone/anima"
TITLE = "$(touch owned) `touch owned` ${IFS}"
SECRETS = {"NEON_API_KEY": "", "DATABASE_DIRECT_URL": ""}

RECORDERS = {
    "gh": """#!/bin/sh
echo "$*" >> "$RECORD/gh"
case "$1 $2" in
"pr list") cat "$RECORD/open" ;;
"pr comment") while [ "$1" != --body-file ]; do shift; done; cp "$2" "$RECORD/comment.md" ;;
esac
""",
    "sam": """#!/bin/sh
echo "$*" >> "$RECORD/sam"
case "$1" in
build) test ! -e "$RECORD/unbuildable" || { echo "no build"; exit 1; } ;;
deploy) printf 'Deploying\\n\\nOutputs\\nKey FirstAdminLink\\nValue https://a/console/welcome#secret\\n' ;;
list) cat "$RECORD/outputs.json" ;;
esac
""",
    "make": """#!/bin/sh
echo "$*" >> "$RECORD/make"
case "$1" in
deploy) cd "$ROOT" && exec "$PYTHON" -m scripts.deploy "${2#TARGET=}" ${3#ONLY=} ;;
esac
""",
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, clone: Callable[[str], Any]) -> Path:
    """A checkout in which a pull request adds a migration to those of this repository."""
    folder = tmp_path_factory.mktemp("repository")
    sql = folder / "sql"
    shutil.copytree(ROOT / "sql", sql)
    shutil.copy(ROOT / ".squawk.toml", folder)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "what landed")
    newest = migration_files.read(sql / "migrations")[-1].version
    text = "-- Olives.\n\ncreate table olives (olive_id bigint generated always as identity primary key);\n"
    (sql / "migrations" / f"{NEW.format(newest + 1)}.sql").write_text(text)
    database = clone(f"schema_of_{os.urandom(6).hex()}")
    migrate(database.owner_url, sql)
    (sql / "schema.sql").write_text(dump_schema(database.owner_url))
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "olives")
    return folder


def git(folder: Path, *arguments: str) -> str:
    author = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"]
    done = subprocess.run(["git", "-C", folder, *author, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def runner(tmp_path: Path, repository: Path) -> Callable[..., Runner]:
    """Makes a runner for an event; what it has besides comes as names."""

    def made(event: str, payload: dict[str, Any], outside: dict[str, str] | None = None, **more: Any) -> Runner:
        for name, text in RECORDERS.items():
            path = tmp_path / "bin" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        (tmp_path / "record").mkdir()
        around = {"ANIMA_SQL_DIR": str(repository / "sql"), "ROOT": str(ROOT), "PYTHON": sys.executable}
        contexts = {
            "github": {
                "event_name": event,
                "event": {"repository": {"default_branch": "main"}, **payload},
                "repository": REPOSITORY,
                "actor": "somebody",
                "ref": "refs/heads/main",
                "token": "the-token-of-the-run",
            },
            "inputs": more.get("inputs", {}),
            "secrets": more.get("secrets", SECRETS),
            "vars": more.get("variables", {}),
        }
        return Runner(tmp_path, {**around, **(outside or {})}, contexts, more.get("pretended", ()))

    return made


def pull_request(repository: Path, action: str, head: str = REPOSITORY, number: int = 12) -> dict[str, Any]:
    request = {
        "number": number,
        "title": TITLE,
        "base": {"sha": git(repository, "rev-parse", "HEAD~1")},
        "head": {"ref": TITLE, "repo": {"full_name": head}},
    }
    return {"action": action, "pull_request": request}


def on_neon(neon: NeonDouble) -> dict[str, Any]:
    """What a repository that has a Neon project gives its workflows; its operations take no time."""
    neon.project.seconds = 0.0
    return {
        "outside": {"ANIMA_NEON_API_URL": neon.url},
        "secrets": {**SECRETS, "NEON_API_KEY": neon.project.key},
        "variables": {"NEON_PROJECT_ID": neon.project.id},
    }


def names(neon: NeonDouble) -> set[str]:
    return {branch.name for branch in neon.project.branches.values()}


def applied(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("select phase || '_' || name from schema_migrations order by version desc").fetchone()
    return str(row[0]) if row else ""


def test_a_pull_request_is_tried_on_a_branch_gets_a_comment_and_leaves_nothing(
    runner: Callable[..., Runner], repository: Path, neon: NeonDouble, tmp_path: Path
) -> None:
    ours = {**on_neon(neon), "pretended": ["test"]}
    opened = runner("pull_request", pull_request(repository, "opened"), **ours).run(SCHEMA)

    assert opened.results == {
        "validate": "success",
        "test": "success",
        "preview": "success",
        "comment": "success",
        "close": "skipped",
        "sweep": "skipped",
        "apply": "skipped",
    }, opened.ran
    assert "1 new, 0 findings" in opened.texts("validate")
    branch = neon.project.named("pr-12")
    assert branch is not None
    assert (branch.init_source, branch.expires_at is not None) == ("schema-only", True)
    assert applied(neon.project.url(branch)) == "pre_olives"
    assert applied(neon.project.owner_url) != "pre_olives", "the deployed database is left alone"
    (call,) = opened.record("gh")
    assert call.startswith(f"pr comment 12 --repo {REPOSITORY} --body-file schema-difference.md --edit-last")
    comment = (opened.folder / "record" / "comment.md").read_text()
    assert "+CREATE TABLE public.olives" in comment
    everything = comment + opened.summary + "".join(one.output for one in opened.ran)
    assert "postgresql://" not in everything
    assert neon.project.key not in everything
    assert "### Deployment" in opened.summary
    assert not list(opened.folder.rglob("owned"))

    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    closed = runner("pull_request", pull_request(repository, "closed"), **ours).run(SCHEMA)
    assert {name for name, result in closed.results.items() if result != "skipped"} == {"close"}
    assert names(neon) == {"main"}


def test_a_push_to_the_pull_request_tries_it_anew(
    runner: Callable[..., Runner], repository: Path, neon: NeonDouble
) -> None:
    ours = {**on_neon(neon), "pretended": ["validate", "test", "comment"]}
    before = neon.project.create({"name": "pr-12", "init_source": "schema-only"}, [])

    pushed = runner("pull_request", pull_request(repository, "synchronize"), **ours).run(SCHEMA)

    assert pushed.results["preview"] == "success"
    after = neon.project.named("pr-12")
    assert after is not None
    assert before.id != after.id


def test_a_fork_gets_everything_but_the_branch_and_no_secret(
    runner: Callable[..., Runner], repository: Path, neon: NeonDouble
) -> None:
    ours = on_neon(neon)
    request = pull_request(repository, "opened", head="a-stranger/anima")
    forked = runner("pull_request", request, **{**ours, "secrets": SECRETS}).run(SCHEMA)

    done = {name for name, result in forked.results.items() if result == "success"}
    assert done == {"validate", "test"}, [one.output for one in forked.ran if one.status]
    assert neon.requests == []
    assert not [one for one in forked.ran if {"NEON_API_KEY", "GH_TOKEN"} & set(one.environment)]
    assert "the schema is what the migrations make" in forked.texts("test")
    assert "In 1911 [1]." in forked.texts("test")
    base = request["pull_request"]["base"]["sha"]
    assert f"test-yesterday ARGS={base}" in forked.record("make")


def test_a_bad_migration_ends_the_pull_request_before_any_database(
    runner: Callable[..., Runner], repository: Path, neon: NeonDouble, tmp_path: Path
) -> None:
    bad = tmp_path.with_name(f"{tmp_path.name}-bad")
    shutil.copytree(repository, bad)
    newest = migration_files.read(bad / "sql" / "migrations")[-1].version
    (bad / "sql" / "migrations" / f"{newest + 1:04d}_pre_bad.sql").write_text("alter table messages drop content;\n")
    with (bad / "sql" / "migrations" / "0001_pre_foundation.sql").open("a") as landed:
        landed.write("-- edited\n")
    ours = on_neon(neon)
    ours["outside"]["ANIMA_SQL_DIR"] = str(bad / "sql")

    refused = runner("pull_request", pull_request(repository, "opened"), **ours).run(SCHEMA)

    assert {name: one for name, one in refused.results.items() if one != "skipped"} == {"validate": "failure"}
    assert "0001_pre_foundation.sql:0: landed: it was changed after it landed" in refused.texts("validate")
    assert f"{newest + 1:04d}_pre_bad.sql:1: drop: yesterday's code still reads the column" in refused.texts("validate")
    assert "| drop |" in refused.summary
    assert names(neon) == {"main"}


def test_at_night_the_branches_of_closed_pull_requests_go(
    runner: Callable[..., Runner], neon: NeonDouble, tmp_path: Path
) -> None:
    for name in ("pr-3", "pr-11"):
        neon.project.create({"name": name, "init_source": "schema-only"}, [])
    swept = runner("schedule", {}, **on_neon(neon))
    (tmp_path / "record" / "open").write_text("pr-3,pr-7\n")
    swept.run(SCHEMA)

    assert {name for name, result in swept.results.items() if result != "skipped"} == {"sweep"}
    assert names(neon) == {"main", "pr-3"}


def test_where_github_does_not_answer_nothing_is_swept(
    runner: Callable[..., Runner], neon: NeonDouble, tmp_path: Path
) -> None:
    neon.project.create({"name": "pr-3", "init_source": "schema-only"}, [])
    swept = runner("schedule", {}, **on_neon(neon)).run(SCHEMA)  # `gh pr list` has no answer to give, and fails

    assert swept.results["sweep"] == "failure"
    assert names(neon) == {"main", "pr-3"}


@pytest.mark.parametrize("dry_run", [True, False])
def test_by_hand_with_a_target_and_a_dry_run(runner: Callable[..., Runner], fresh_database: Any, dry_run: bool) -> None:
    ours = {
        "inputs": {"target": "staging", "phase": "pre", "dry_run": dry_run},
        "secrets": {**SECRETS, "DATABASE_DIRECT_URL": fresh_database.owner_url},
        "pretended": ["validate", "test"],
    }
    by_hand = runner("workflow_dispatch", {}, **ours).run(SCHEMA)

    assert by_hand.results["apply"] == "success", by_hand.texts("apply")
    assert load(SCHEMA)["jobs"]["apply"]["environment"] == "${{ inputs.target }}"
    assert (applied(fresh_database.owner_url) == "pre_olives") is not dry_run
    assert ("### Dry run" in by_hand.summary, "### Deployment" in by_hand.summary) == (True, not dry_run)
    kept = by_hand.folder / "artifacts" / "schema-report" / "schema.json"
    assert kept.is_file() is not dry_run
    if not dry_run:
        assert json.loads(kept.read_text())["result"] == "applied"


@pytest.mark.parametrize(("api_url", "result"), [(None, "failure"), ("none", "success")])
def test_by_hand_a_post_waits_until_somebody_says_what_code_runs(
    runner: Callable[..., Runner],
    repository: Path,
    fresh_database: Any,
    tmp_path: Path,
    api_url: str | None,
    result: str,
) -> None:
    more = tmp_path.with_name(f"{tmp_path.name}-post")
    shutil.copytree(repository, more)
    newest = migration_files.read(more / "sql" / "migrations")[-1].version
    (more / "sql" / "migrations" / f"{newest + 1:04d}_post_no_olives.sql").write_text(
        f"-- after: {NEW.format(newest)}\n\ndrop table olives;\n"
    )
    migrate(fresh_database.owner_url, more / "sql", "pre")
    by_hand = runner(
        "workflow_dispatch",
        {},
        outside={"ANIMA_SQL_DIR": str(more / "sql")},
        inputs={"target": "staging", "phase": "post", "dry_run": False},
        secrets={**SECRETS, "DATABASE_DIRECT_URL": fresh_database.owner_url},
        variables={"API_URL": api_url} if api_url else {},
        pretended=["validate", "test"],
    ).run(SCHEMA)

    assert (applied(fresh_database.owner_url) == "post_no_olives") is (result == "success")
    assert ("say with --code, or `code` of the event, where that answers" in by_hand.texts("apply")) is (not api_url)
    if not api_url:
        assert by_hand.results["apply"] == result


def test_a_merge_deploys_pre_then_the_stack_then_post(
    runner: Callable[..., Runner],
    repository: Path,
    fresh_database: Any,
    tmp_path: Path,
    deployed_code: Callable[[Any], str],
) -> None:
    newest = migration_files.read(repository / "sql" / "migrations")[-1].version
    merge = runner(
        "push",
        {"before": git(repository, "rev-parse", "HEAD~1")},
        secrets={**SECRETS, "DATABASE_DIRECT_URL": fresh_database.owner_url},
        variables={"DEPLOY_TARGET": "prod", "AWS_ROLE_ARN": "arn:aws:iam::1:role/deploy", "AWS_REGION": "eu-central-1"},
    )
    outputs = {
        "ApiUrl": deployed_code({"status": "ok", "schema_version": newest}),
        "FirstAdminLink": "https://a/console/welcome#secret",
    }
    rows = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]
    (tmp_path / "record" / "outputs.json").write_text(json.dumps(rows))
    merge.run(STACK)

    assert merge.results == {"deploy": "success"}, merge.texts("deploy")
    assert applied(fresh_database.owner_url) == "pre_olives"
    commands = [one.text.strip() for one in merge.ran if "--dry-run" not in one.text]
    order = [text.split(" --")[0] for text in commands if "migrate" in text or "deploy" in text]
    phases = [re.search(r"--phase (\w+)|ONLY=\w+", text) for text in commands]
    expected = ["ONLY=build", "--phase pre", "ONLY=stack", "--phase post"]
    assert [found.group() for found in phases if found] == expected, order
    assert [line.split()[0] for line in merge.record("sam")] == ["build", "deploy", "list"]
    assert "welcome#" not in merge.texts("deploy")
    assert outputs["ApiUrl"] in merge.texts("deploy")
    role = [given for _job, uses, given in merge.used if "configure-aws-credentials" in uses]
    assert role == [{"role-to-assume": "arn:aws:iam::1:role/deploy", "aws-region": "eu-central-1"}]
    assert merge.summary.count("### Deployment") == 2
    secret = fresh_database.owner_url.split("@")[0].rpartition(":")[2]
    assert secret not in merge.summary + merge.texts("deploy")


def test_a_deployment_whose_code_did_not_come_keeps_its_post_back(
    runner: Callable[..., Runner],
    repository: Path,
    fresh_database: Any,
    tmp_path: Path,
    deployed_code: Callable[[Any], str],
) -> None:
    more = tmp_path.with_name(f"{tmp_path.name}-post")
    shutil.copytree(repository, more)
    newest = migration_files.read(more / "sql" / "migrations")[-1].version
    (more / "sql" / "migrations" / f"{newest + 1:04d}_post_no_olives.sql").write_text(
        f"-- after: {NEW.format(newest)}\n\ndrop table olives;\n"
    )
    merge = runner(
        "push",
        {"before": git(repository, "rev-parse", "HEAD~1")},
        outside={"ANIMA_SQL_DIR": str(more / "sql")},
        secrets={**SECRETS, "DATABASE_DIRECT_URL": fresh_database.owner_url},
        variables={"DEPLOY_TARGET": "prod"},
    )
    rows = [{"OutputKey": "ApiUrl", "OutputValue": deployed_code({"status": "ok", "schema_version": newest})}]
    (tmp_path / "record" / "outputs.json").write_text(json.dumps(rows))
    merge.run(STACK)

    assert merge.results == {"deploy": "failure"}
    assert "the deployed code may still read" in merge.texts("deploy")
    assert applied(fresh_database.owner_url) == "pre_olives"


def test_a_stack_that_cannot_be_built_leaves_the_database_as_it_was(
    runner: Callable[..., Runner], repository: Path, fresh_database: Any, tmp_path: Path
) -> None:
    before = applied(fresh_database.owner_url)
    merge = runner(
        "push",
        {"before": git(repository, "rev-parse", "HEAD~1")},
        secrets={**SECRETS, "DATABASE_DIRECT_URL": fresh_database.owner_url},
        variables={"DEPLOY_TARGET": "prod"},
    )
    (tmp_path / "record" / "unbuildable").touch()
    merge.run(STACK)

    assert merge.results == {"deploy": "failure"}
    assert "no build" in merge.texts("deploy")
    assert applied(fresh_database.owner_url) == before
    assert [line.split()[0] for line in merge.record("sam")] == ["build"]


def test_what_can_fail_outside_comes_before_the_first_change_of_the_database() -> None:
    texts = [f"{step.get('uses')} {step.get('run')}" for step in steps(STACK)]
    changing = [number for number, text in enumerate(texts) if "db migrate" in text and "--dry-run" not in text]
    for earlier in ("db validate", "--dry-run", "ONLY=build", "configure-aws-credentials"):
        (place,) = [number for number, text in enumerate(texts) if earlier in text]
        assert place < changing[0], earlier


def test_a_deployment_makes_what_its_layers_hold_before_it_is_built() -> None:
    """On a machine that has nothing yet but Python."""
    told = subprocess.run(
        ["make", "-n", "VENV=none/of/this", "deploy", "TARGET=dev"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    needed = ["none/of/this/bin/python -m scripts.vendor", "none/of/this/bin/anima provision", 'scripts.deploy "dev"']
    assert [text for text in needed if text in told] == needed
    assert sorted(needed, key=told.index) == needed


def test_a_merge_without_a_target_deploys_nothing(runner: Callable[..., Runner]) -> None:
    assert runner("push", {}).run(STACK).results == {"deploy": "skipped"}


ALL = sorted(path.name for path in WORKFLOWS.glob("*.yml"))
OURS = (SCHEMA, STACK)


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in load(name)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("name", ALL)
def test_no_text_of_others_becomes_a_command(name: str) -> None:
    assert [step["run"] for step in steps(name) if "${{" in step.get("run", "")] == []
    assert "pull_request_target" not in load(name)["on"]


@pytest.mark.parametrize("name", ALL)
def test_each_action_is_of_a_fixed_version(name: str) -> None:
    loose = [
        step["uses"] for step in steps(name) if "uses" in step and not re.search(r"@(v\d+|[0-9a-f]{40})$", step["uses"])
    ]
    assert loose == []
    kept = [step for step in steps(name) if "checkout@" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in kept)


@pytest.mark.parametrize("name", ALL)
def test_rights_are_the_least(name: str) -> None:
    workflow = load(name)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]
    more = {
        (job, right)
        for job, text in workflow["jobs"].items()
        for right, kind in text.get("permissions", {}).items()
        if (right, kind) not in (("contents", "read"), ("pull-requests", "read"))
    }
    assert more == {SCHEMA: {("comment", "pull-requests")}, STACK: {("deploy", "id-token")}}.get(name, set())
    assert all(job.get("timeout-minutes") for job in workflow["jobs"].values())


@pytest.mark.parametrize("name", OURS)
def test_steps_call_only_make_anima_and_gh(name: str) -> None:
    lines = [line for step in steps(name) for line in step.get("run", "").replace("\\\n", "").splitlines()]
    known = re.compile(r'(make|\.venv/bin/anima db|gh pr|\w+=\$\(gh pr|echo "branches=\$branches") ?')
    assert [line for line in lines if line.strip() and not known.match(line)] == []


def test_what_holds_a_secret_never_runs_for_a_fork() -> None:
    for job in load(SCHEMA)["jobs"].values():
        if "secrets.NEON" in str(job):
            condition = " ".join(str(job["if"]).split())
            assert "head.repo.full_name == github.repository" in condition or "'schedule'" in condition
