"""A bounded number of cases of every operation, made from the OpenAPI document: good ones and broken ones.

They are asked of the real app on a real database in which somebody has something in every table; ids in paths are
now and then theirs, so that a case gets further than "there is no such thing". An answer is one that the document
names, in the shape that it names; an error is a problem with a request id; nothing answers 500.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from anima.app.main import local
from anima.identity import service as identity
from anima.kernel import config, db
from fixtures.stub_llm import StubLLM
from fixtures.town import Town
from tenancy import parameters
from tenancy.two_people import Owned

CASES = int(os.environ.get("SCHEMATHESIS_CASES", "2"))
"""Of each operation so many good ones, and as many broken ones."""
SCHEMA = schemathesis.openapi.from_dict(local().openapi())
OPERATIONS: dict[str, Any] = {one.ok().label: one.ok() for one in SCHEMA.get_all_operations()}  # type: ignore[union-attr]
# They would fetch what lies outside, or take the person away by whom all others are asked, with files that lie nowhere.
LEFT_OUT = {
    "POST /mcp",  # a protocol of its own, with its own errors
    "POST /api/v1/models/provision",
    "DELETE /api/v1/users/me",
    "DELETE /api/v1/users/me/memory",
    "POST /api/v1/users/me/password",
    "DELETE /api/v1/api-keys/{api_key_id}",
}
# Bob's files lie nowhere.
OF_FILES = {
    "GET /api/v1/media/{media_id}/content",
    "GET /api/v1/documents/{document_id}/file",
    "POST /api/v1/documents/{document_id}/retry",
    "DELETE /api/v1/documents/{document_id}",
    "DELETE /api/v1/avatars/{avatar_id}",
    "GET /api/v1/registry/tensors/{tensor_id}/data",
    "GET /api/v1/registry/checkpoints/{checkpoint_id}/file",
    "GET /api/v1/registry/checkpoints/{checkpoint_id}/compare",
    "POST /api/v1/registry/models/{model_id}/quantize",
    "POST /api/v1/registry/models/{model_id}/prune",
}
OWN = {"version": 1, "exp_id": 1, "name": "turn"}


@pytest.fixture(scope="module")
def bob(town: Town) -> TestClient:
    """Bob, who runs the place and may call as often as he likes."""
    town.owner.execute("insert into settings (key, value) values ('limits.http_tokens', '0')")
    town.owner.execute(
        "insert into user_roles select %s, role_id from roles where role_name = 'admin' on conflict do nothing",
        [town.bob.user_id],
    )
    key = identity.create_key(db.Principal(town.bob.user_id), "of the test").key
    return TestClient(
        local(), "http://localhost", headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False
    )


@pytest.fixture
def answered(stub_llm: StubLLM, fast_embedder: object) -> Iterator[None]:
    """A model that answers, and an embedder that takes no time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-of-the-tests")
        patch.setenv("OPENAI_BASE_URL", stub_llm.url)
        config.settings.cache_clear()
        yield
    config.settings.cache_clear()


def own_id(whose: Owned, name: str) -> Any:
    """An id of Bob's for a place in a path, if he has one."""
    if name == "user_id":
        return whose.user_id
    place = ("training_sessions", "session_id") if name == "run_id" else parameters.ROWS.get(name)
    found = whose.ids.get(place) if place is not None else None
    one = OWN.get(name) or (found[0] if found else None)
    return one if one is None or isinstance(one, int) else str(one)


@pytest.mark.parametrize("label", [label for label in OPERATIONS if label not in LEFT_OUT])
def test_an_operation_answers_as_the_document_says(label: str, town: Town, bob: TestClient, answered: None) -> None:
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @given(case=OPERATIONS[label].as_strategy(generation_mode=mode), own=st.booleans())
        @settings(
            max_examples=CASES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def tried(case: Any, own: bool) -> None:
            if own and label not in OF_FILES:
                for name in case.path_parameters:
                    case.path_parameters[name] = own_id(town.bob, name) or case.path_parameters[name]
            case.headers = {name: value for name, value in (case.headers or {}).items() if name != "Authorization"}
            asked = case.as_transport_kwargs(base_url="http://localhost")
            asked.pop("cookies", None)
            sent: Any = requests.Request(**asked).prepare()
            answer = bob.request(sent.method, sent.url, headers=dict(sent.headers), content=sent.body)
            assert answer.status_code != 500, f"{answer.text}\n{case.as_curl_command()}"
            checks = [content_type_conformance, status_code_conformance, response_schema_conformance]
            case.validate_response(answer, checks=checks)
            if answer.status_code >= 400 and not label.split()[1].startswith("/v1"):
                told = answer.json()
                assert answer.headers["content-type"] == "application/problem+json", told
                assert told["status"] == answer.status_code
                assert told["request_id"] == answer.headers["x-request-id"]

        with suppress(Unsatisfiable):  # of some there is nothing that could be broken
            tried()
