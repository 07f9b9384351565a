"""The API of one Neon project: branches, their computes and databases, and the operations that change them.

As published at https://neon.com/docs/reference/api; a change is done when its operations have finished, and every
method here answers only then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Self

from anima.vendors.neon import model
from anima.vendors.neon.errors import NeonBusy, NeonNotFound, NeonOperationFailed
from anima.vendors.neon.model import Branch, Database, Endpoint, Operation
from anima.vendors.neon.transport import Transport

_PAGE = 100
_DONE = frozenset({"finished", "skipped", "cancelled"})
_FAILED = frozenset({"failed", "error"})
_FIRST_LOOK_SECONDS = 0.1
_LONGEST_LOOK_SECONDS = 2.0


class Neon:
    """A client of one project; `with` closes its connection.

    `pause` waits, and `patience` is how many seconds a request, or the operations after it, may take.
    """

    def __init__(
        self, url: str, key: str, project: str, *, patience: float = 120.0, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._transport = Transport(url, key, project, patience=patience, pause=pause)

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the connection."""
        self._transport.close()

    # Branches

    def branches(self, search: str | None = None) -> Iterator[Branch]:
        """All branches whose name or id contains `search`, page by page, oldest first."""
        query: dict[str, Any] = {"search": search, "limit": _PAGE, "sort_by": "created_at", "sort_order": "asc"}
        while True:
            page = self._transport.send("GET", "/branches", query=query)
            with model.published():
                known = [model.branch(row) for row in page["branches"]]
                following = (page.get("pagination") or {}).get("next")
            yield from known
            if not following or not known:
                return
            query["cursor"] = following

    def branch(self, branch_id: str) -> Branch:
        """One branch. Raises NeonNotFound."""
        with model.published():
            return model.branch(self._transport.send("GET", f"/branches/{branch_id}")["branch"])

    def wait_for(self, branch_id: str) -> None:
        """Waits until a branch is made. Raises NeonBusy, NeonNotFound."""
        waited, seconds = 0.0, _FIRST_LOOK_SECONDS
        while (state := self.branch(branch_id).state) == "init":
            if waited > self._transport.patience:
                raise NeonBusy(seconds=waited, reason=f"the branch is {state}")
            self._transport.pause(seconds)
            waited += seconds
            seconds = min(seconds * 1.5, _LONGEST_LOOK_SECONDS)

    def named(self, name: str) -> Branch | None:
        """The branch of exactly this name, if there is one."""
        return next((branch for branch in self.branches(search=name) if branch.name == name), None)

    def default_branch(self) -> Branch:
        """The project's default branch. Raises NeonNotFound."""
        found = next((branch for branch in self.branches() if branch.is_default), None)
        if found is None:
            raise NeonNotFound(project=self._transport.project, reason="the project has no default branch")
        return found

    def create_branch(
        self, name: str, parent_id: str, *, schema_only: bool = False, expires_at: datetime | None = None
    ) -> Branch:
        """A new branch with a compute to read and write.

        With the schema only it is a root branch: it has no parent to be reset from.
        Raises NeonConflict (the name is taken), NeonLimitReached, NeonOperationFailed.
        """
        wanted: dict[str, Any] = {"name": name, "parent_id": parent_id}
        if schema_only:
            wanted["init_source"] = "schema-only"
        if expires_at is not None:
            wanted["expires_at"] = model.stamp(expires_at)
        body = {"branch": wanted, "endpoints": [{"type": "read_write"}]}
        return self._changed("POST", "/branches", body)

    def rename_branch(self, branch_id: str, name: str) -> Branch:
        """Gives a branch another name."""
        return self._changed("PATCH", f"/branches/{branch_id}", {"branch": {"name": name}})

    def expire_branch(self, branch_id: str, expires_at: datetime | None) -> Branch:
        """Sets when Neon deletes the branch by itself; none: never."""
        when = None if expires_at is None else model.stamp(expires_at)
        return self._changed("PATCH", f"/branches/{branch_id}", {"branch": {"expires_at": when}})

    def delete_branch(self, branch_id: str) -> None:
        """Deletes a branch and its computes; one that is gone already is no error."""
        try:
            answer = self._transport.send("DELETE", f"/branches/{branch_id}")
        except NeonNotFound:
            return
        self.finish(answer)

    def restore_branch(
        self, branch_id: str, source_id: str, *, at: datetime | None = None, keep_as: str | None = None
    ) -> Branch:
        """Makes a branch what `source_id` is, or was `at` a time; what it was is kept as a branch `keep_as`."""
        body: dict[str, Any] = {"source_branch_id": source_id}
        if at is not None:
            body["source_timestamp"] = model.stamp(at)
        if keep_as is not None:
            body["preserve_under_name"] = keep_as
        return self._changed("POST", f"/branches/{branch_id}/restore", body)

    def compare_schema(self, branch_id: str, base_branch_id: str, database: str) -> str:
        """How the schema of a branch differs from another's, as a unified diff."""
        query = {"base_branch_id": base_branch_id, "db_name": database}
        answer = self._transport.send("GET", f"/branches/{branch_id}/compare_schema", query=query)
        return str(answer.get("diff") or "")

    # Computes

    def endpoints(self, branch_id: str) -> list[Endpoint]:
        """The computes of a branch."""
        answer = self._transport.send("GET", f"/branches/{branch_id}/endpoints")
        with model.published():
            return [model.endpoint(row) for row in answer["endpoints"]]

    def create_endpoint(self, branch_id: str) -> Endpoint:
        """A compute that reads and writes. Raises NeonConflict where the branch has one."""
        body = {"endpoint": {"branch_id": branch_id, "type": "read_write"}}
        answer = self._transport.send("POST", "/endpoints", body=body)
        self.finish(answer)
        with model.published():
            return model.endpoint(answer["endpoint"])

    def start_endpoint(self, endpoint_id: str) -> None:
        """Wakes a compute."""
        self.finish(self._transport.send("POST", f"/endpoints/{endpoint_id}/start"))

    def suspend_endpoint(self, endpoint_id: str) -> None:
        """Lets a compute sleep."""
        self.finish(self._transport.send("POST", f"/endpoints/{endpoint_id}/suspend"))

    def delete_endpoint(self, endpoint_id: str) -> None:
        """Deletes a compute."""
        self.finish(self._transport.send("DELETE", f"/endpoints/{endpoint_id}"))

    # Databases

    def databases(self, branch_id: str) -> list[Database]:
        """The databases of a branch."""
        answer = self._transport.send("GET", f"/branches/{branch_id}/databases")
        with model.published():
            return [Database(row["name"], row["owner_name"]) for row in answer["databases"]]

    def roles(self, branch_id: str) -> list[str]:
        """The names of the roles of a branch."""
        answer = self._transport.send("GET", f"/branches/{branch_id}/roles")
        with model.published():
            return [str(row["name"]) for row in answer["roles"]]

    def connection_uri(self, branch_id: str, database: str, role: str, *, pooled: bool = False) -> str:
        """The URL of a database of a branch under a role, with its password: never to be shown."""
        query = {"branch_id": branch_id, "database_name": database, "role_name": role, "pooled": pooled}
        with model.published():
            return str(self._transport.send("GET", "/connection_uri", query=query)["uri"])

    # Operations

    def operation(self, operation_id: str) -> Operation:
        """One operation."""
        with model.published():
            return model.operation(self._transport.send("GET", f"/operations/{operation_id}")["operation"])

    def finish(self, answer: Mapping[str, Any]) -> None:
        """Waits for the operations that an answer names. Raises NeonOperationFailed, NeonBusy."""
        waited, seconds = 0.0, _FIRST_LOOK_SECONDS
        with model.published():
            left = [model.operation(row) for row in answer.get("operations") or []]
        while left := [one for one in left if not _is_done(one)]:
            if waited > self._transport.patience:
                raise NeonBusy(seconds=waited, reason=f"{left[0].action} is {left[0].status}")
            self._transport.pause(seconds)
            waited += seconds
            seconds = min(seconds * 1.5, _LONGEST_LOOK_SECONDS)
            left = [self.operation(one.id) for one in left]

    def _changed(self, method: str, path: str, body: Mapping[str, Any]) -> Branch:
        answer = self._transport.send(method, path, body=body)
        self.finish(answer)
        with model.published():
            return model.branch(answer["branch"])


def _is_done(operation: Operation) -> bool:
    if operation.status in _FAILED:
        raise NeonOperationFailed(action=operation.action, reason=operation.error or operation.status)
    return operation.status in _DONE
