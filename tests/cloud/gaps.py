"""What ministack lacks of what the template uses, added to it when it starts: for the interpreter of .venvs/cloud."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

NOT_PLAYED = ("AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup", "AWS::CodeDeploy::DeploymentConfig")
_API = "AWS::ApiGatewayV2::Api"
_SECRET = "AWS::SecretsManager::Secret"
_INTEGRATION = "x-amazon-apigateway-integration"


def write_down(notes: Path) -> None:
    """Lets resources of types that are not played be made, changed and deleted, which is noted."""
    from ministack.services.cloudformation import provisioners

    def handlers(kind: str) -> dict[str, Any]:
        def create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
            with notes.open("a") as file:
                file.write(json.dumps({"type": kind, "id": logical_id, "properties": props}) + "\n")
            return f"{stack_name}-{logical_id}", {}

        def update(physical_id: str, _old: Any, _new: Any, *_more: Any, **_named: Any) -> tuple[str, dict[str, Any]]:
            return physical_id, {}

        return {"create": create, "update": update, "delete": lambda _physical_id, _props: None}

    for kind in NOT_PLAYED:
        provisioners._RESOURCE_HANDLERS.setdefault(kind, handlers(kind))


def import_routes() -> None:
    """An HTTP API has the routes of its OpenAPI document, as SAM writes it."""
    from ministack.services import apigateway
    from ministack.services.cloudformation import provisioners

    known = provisioners._RESOURCE_HANDLERS
    create, update = known[_API]["create"], known[_API]["update"]

    def imported(api_id: str, body: dict[str, Any], stack_name: str) -> None:
        apigateway._routes[api_id], apigateway._integrations[api_id] = {}, {}
        for path, operations in (body or {}).get("paths", {}).items():
            for verb, operation in operations.items():
                wanted = {"ApiId": api_id, "IntegrationUri": operation[_INTEGRATION]["uri"]}
                held, _ = known["AWS::ApiGatewayV2::Integration"]["create"]("", wanted, stack_name)
                key = path if path == "$default" else f"{_verb(verb)} {path}"
                route = {"ApiId": api_id, "RouteKey": key, "Target": f"integrations/{held}"}
                known["AWS::ApiGatewayV2::Route"]["create"]("", route, stack_name)

    def created(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        made = create(logical_id, props, stack_name)
        if "Body" in props:
            imported(made[0], props["Body"], stack_name)
        return made

    def updated(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str, name: Any = None) -> Any:
        made = update(physical_id, old, new, stack_name, name)
        if "Body" in new:
            imported(made[0], new["Body"], stack_name)
        return made

    known[_API] |= {"create": created, "update": updated}


def _verb(name: str) -> str:
    return "ANY" if name == "x-amazon-apigateway-any-method" else name.upper()


def know_secrets_by_arn() -> None:
    """`!Ref` of a secret is its ARN, which policies name; what a nested stack's names of another is resolved, too."""
    from ministack.services.cloudformation import engine, provisioners

    known = provisioners._RESOURCE_HANDLERS[_SECRET]
    create, update, delete = known["create"], known["update"], known["delete"]

    def named(physical_id: str) -> str:
        return physical_id.partition(":secret:")[2][:-7] or physical_id

    def whole(props: dict[str, Any]) -> dict[str, Any]:
        resolved: dict[str, Any] = engine._resolve_dynamic_references(props)[0]
        return resolved

    def by_arn(made: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
        return made[1].get("Arn", made[0]), made[1]

    known |= {
        "create": lambda name, props, stack: by_arn(create(name, whole(props), stack)),
        "update": lambda physical_id, *given: by_arn(update(named(physical_id), *given)),
        "delete": lambda physical_id, props: delete(named(physical_id), props),
    }


def take_for_tls() -> None:
    """A request without TLS, as all are on this machine, meets policies as one with it."""
    from ministack.core import iam_evaluator

    resolve = iam_evaluator._resolve_condition_key
    iam_evaluator._resolve_condition_key = lambda key, context: (
        "true" if key.lower() == "aws:securetransport" else resolve(key, context)
    )


def hand_parameters_to_the_transform() -> None:
    """What the translator of SAM itself resolves sees the parameters of the deployment, as in the real one."""
    from ministack.services.cloudformation import changesets, engine, handlers
    from samtranslator.translator import transform

    plain, apply = transform.transform, engine._apply_transforms
    given = threading.local()

    def with_parameters(template: dict[str, Any], _values: dict[str, Any], loader: Any) -> Any:
        return plain(template, given.values, loader)

    def remembering(template: dict[str, Any], provided: Any = None, previous: Any = None) -> Any:
        given.values = engine._transform_parameters(template, provided, previous)
        return apply(template, provided, previous)

    transform.transform = with_parameters
    for module in (engine, changesets, handlers):
        module._apply_transforms = remembering


def transform_nested_stacks() -> None:
    """A nested template that is written for SAM is transformed as the outermost is."""
    from ministack.services.cloudformation import engine, provisioners

    check = provisioners._check_nested_stack_capabilities

    def checked(parent: str, template: dict[str, Any]) -> None:
        check(parent, template)
        made = dict(engine._apply_transforms(dict(template)))
        template.clear()
        template.update(made)

    provisioners._check_nested_stack_capabilities = checked
