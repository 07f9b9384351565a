"""Calls a tool of a server elsewhere, if it still is what was offered: an approval holds for nothing else."""

from __future__ import annotations

from anima.kernel.errors import AnimaError
from anima.plugins import offers, schemas
from anima.plugins.model import ToolSpec
from anima.plugins.outcome import Job, Outcome
from anima.vendors import mcp

TIMEOUT = 30.0


def spec(listed: mcp.Listed) -> ToolSpec:
    """A tool of a server, made harmless. Raises BadTool."""
    shown = schemas.name(listed.name), schemas.description(listed.description), schemas.cleaned(listed.schema)
    return ToolSpec(*shown, approval="ask", timeout=TIMEOUT, outside=True)


def run(job: Job) -> Outcome:
    """What the tool answers, in time or not."""

    def same(listed: mcp.Listed) -> bool:
        try:
            return offers.digest(job.plugin_id, spec(listed)) == job.digest
        except AnimaError:
            return False

    server = mcp.Server(str(job.config.get("url", "")), job.secret, job.private_allowed)
    try:
        answer = mcp.call(server, job.tool, job.arguments, same=same, until=job.until)
    except mcp.ToolsChanged:
        return Outcome("The tool is not what it was when it was looked at; it was not called.", "changed")
    except mcp.Unreached as error:
        return Outcome(error.detail, "timeout" if "too long" in error.detail else "unreachable")
    except AnimaError as error:
        return Outcome(error.detail, error.slug)
    return Outcome(answer.text, "failed" if answer.failed else None, answer.images)
