"""The template keeps its promises: read from the template itself, so that a new function or queue cannot forget one."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from scripts.venvs import ROOT

from anima.kernel import config
from anima.kernel.watch import catalogue

INFRA = sorted((ROOT / "infra").glob("*.yaml"))
FILES = [ROOT / "template.yaml", *INFRA]
TRAINING = ROOT / "infra" / "training.yaml"
EVENTS = ROOT / "events"
SECRET_NAMES = re.compile(r"(DATABASE_URL|SECRET_KEY|API_KEY|PASSWORD|TOKEN)$")


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as the long ones."""


def _short(loader: _Loader, tag: str, node: yaml.Node) -> Any:
    name = tag if tag in {"Ref", "Condition"} else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {name: value.split(".", 1) if tag == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short)


@cache
def template(path: Path = ROOT / "template.yaml") -> dict[str, Any]:
    read: dict[str, Any] = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a safe loader with CloudFormation's tags
    return read


def of_type(kind: str, path: Path = ROOT / "template.yaml") -> dict[str, dict[str, Any]]:
    """Properties of the resources of a type, by their logical ids."""
    found = template(path)["Resources"].items()
    return {name: one.get("Properties", {}) for name, one in found if one["Type"] == kind}


def functions() -> dict[str, dict[str, Any]]:
    return of_type("AWS::Serverless::Function")


def everything(node: Any) -> list[Any]:
    """A node and all that is in it."""
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    return [node, *(found for one in inner for found in everything(one))]


def names_of(node: Any) -> str:
    """A node as text, to be searched for what it mentions."""
    return json.dumps(node)


def title(function: str) -> str:
    return function.removesuffix("Function")


def default(name: str) -> Any:
    return template()["Globals"]["Function"].get(name)


def environment(function: str) -> dict[str, Any]:
    own: dict[str, Any] = functions()[function].get("Environment", {}).get("Variables", {})
    return {**default("Environment")["Variables"], **own}


# Functions


def test_there_is_a_function_for_every_handler_and_no_other() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    assert {one["CodeUri"] for one in functions().values()} == {f"functions/{name}" for name in folders}


def test_everything_that_calls_a_function_calls_its_alias() -> None:
    assert default("AutoPublishAlias") == "live"
    assert template()["Globals"]["LayerVersion"]["PublishLambdaVersion"] is True
    for name, one in functions().items():
        assert one["AutoPublishAliasAllProperties"] is True, name
    text = (ROOT / "template.yaml").read_text()
    called = re.findall(r"!(?:Ref|GetAtt) (\w+Function\S*)", text) + re.findall(r"\$\{(\w+Function[^}]*)\}", text)
    assert called
    assert {one.rpartition(".")[2] for one in called} == {"Alias"}
    assert all(one in functions() for one in (name.removesuffix(".Alias") for name in called))


def test_traffic_shifts_slowly_and_an_alarm_takes_it_back() -> None:
    assert template()["Parameters"]["Rollout"]["Default"].startswith("Canary")
    for name, one in functions().items():
        if name == "MigrateFunction":  # it is called by deployments alone, and must not lag behind its own
            assert "DeploymentPreference" not in one
            continue
        preference = one["DeploymentPreference"]
        assert preference["Type"] == {"Ref": "Rollout"}, name
        alarms = {alarm["Fn::GetAtt"][1].removeprefix("Outputs.") for alarm in preference["Alarms"]}
        assert f"{title(name)}Errors" in alarms, name
        assert alarms <= set(template(ROOT / "infra/watch.yaml")["Outputs"]), name


def test_what_people_wait_for_is_also_taken_back_for_errors_and_slowness() -> None:
    for name in ("ChatFunction", "ChatStreamFunction"):
        alarms = names_of(functions()[name]["DeploymentPreference"]["Alarms"])
        assert "HttpErrors" in alarms, name
        assert "TurnLatency" in alarms, name


def test_each_function_has_a_log_that_ends_and_a_role_of_its_own() -> None:
    roles = ROOT / "infra" / "roles.yaml"
    groups, mine = of_type("AWS::Logs::LogGroup", roles), of_type("AWS::IAM::Role", roles)
    for name, one in functions().items():
        assert one["Role"] == {"Fn::GetAtt": ["Roles", f"Outputs.{title(name)}RoleArn"]}
        assert f"{title(name)}Role" in mine
        group = groups[f"{title(name)}Log"]
        function_name = one["FunctionName"]["Fn::Sub"]
        assert group["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/{function_name}"}
    for path in FILES:
        for name, group in of_type("AWS::Logs::LogGroup", path).items():
            assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name
            assert "KmsKeyId" in group, name
    assert set(mine) == {f"{title(name)}Role" for name in functions()}


def test_names_of_functions_say_their_folder() -> None:
    for one in functions().values():
        folder = Path(one["CodeUri"]).name.replace("_", "-")
        assert one["FunctionName"] == {"Fn::Sub": "anima-${Stage}-" + folder}


def test_the_environment_is_one_that_the_code_knows() -> None:
    known = {f"ANIMA_{name.upper()}" for name in config.Settings.model_fields}
    for name in functions():
        ours = {variable for variable in environment(name) if variable.startswith("ANIMA_")}
        assert ours <= known, name


def test_arm64_by_default_and_one_runtime() -> None:
    assert default("Architectures") == ["arm64"]
    layers = of_type("AWS::Serverless::LayerVersion").values()
    assert {runtime for one in layers for runtime in one["CompatibleRuntimes"]} == {default("Runtime")}


# Secrets


def test_no_secret_stands_in_the_template() -> None:
    for name in functions():
        for variable, value in environment(name).items():
            if SECRET_NAMES.search(variable):
                assert "{{resolve:secretsmanager:" in names_of(value), variable
    given = template()["Parameters"]["DatabaseUrl"]
    assert given["NoEcho"] is True
    assert given["Default"] == ""


def test_only_the_function_that_migrates_learns_the_owners_url() -> None:
    for name in functions():
        owner = "OwnerSecretArn" in names_of(environment(name)) or "owner_url" in names_of(environment(name))
        assert owner == (name == "MigrateFunction"), name
    roles = of_type("AWS::IAM::Role", ROOT / "infra" / "roles.yaml")
    assert [name for name, role in roles.items() if "secretsmanager:" in names_of(role["Policies"])] == ["MigrateRole"]


def test_functions_get_only_the_logins_that_they_use() -> None:
    logins = {
        name: {
            login
            for login in ("app", "worker", "admin")
            if f"ANIMA_{login.upper()}_DATABASE_URL" in functions()[name].get("Environment", {}).get("Variables", {})
        }
        for name in functions()
    }
    assert logins["SocketFunction"] == logins["ChatStreamFunction"] == {"app", "worker"}
    for name in ("IngestFunction", "ReflectFunction", "OutboxFunction", "TrainingFunction"):
        assert logins[name] == {"worker"}
    assert [name for name, has in logins.items() if "admin" in has] == ["ManageFunction"]
    assert logins["MigrateFunction"] == set()


def test_a_changed_secret_makes_new_versions() -> None:
    """A reference to a secret is read only when something else of the function changes."""
    for name, one in functions().items():
        resolves = "{{resolve:" in names_of(one.get("Environment", {}))
        assert not resolves or "${Setup.SecretVersion}" in names_of(one["VersionDescription"]), name
        assert not resolves or "${Setup.SecretVersion}" in names_of(one["Environment"]), name
        assert "${SecretsGeneration}" in names_of(one["VersionDescription"]), name


def test_a_changed_parameter_makes_a_new_version() -> None:
    """SAM makes one where the template changed, not where a parameter of it has another value."""
    parameters = set(template()["Parameters"]) - {"Stage"}  # with another stage, the function is another

    def mentioned(node: Any) -> set[str]:
        return parameters & set(re.findall(r"\w+", names_of(node)))

    for name, one in functions().items():
        migrates = name == "MigrateFunction"  # it reads no model's key and asks none
        unused = {"ChatProvider", "ChatModel", "ChatKeySecretArn"} if migrates else set()
        wanted = mentioned(environment(name)) | mentioned(one.get("Layers", []))
        assert wanted - unused <= mentioned(one["VersionDescription"]), name


# Rights


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_star_has_its_reason_above_it(path: Path) -> None:
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.search(r"Resource: .*(\"\*\"|key/\*|'\*'| \*$)", line):
            assert lines[number - 1].strip().startswith("# "), f"{path.name}:{number + 1}"


def test_no_role_may_do_everything_of_a_service() -> None:
    for kind in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
        for path in FILES:
            for name, one in of_type(kind, path).items():
                for node in everything(one):
                    if isinstance(node, dict) and node.get("Effect") == "Allow":
                        actions = node["Action"] if isinstance(node["Action"], list) else [node["Action"]]
                        assert not [action for action in actions if action.endswith("*")], name
    assert "arn:aws:iam::aws:policy" not in "".join(path.read_text() for path in FILES)


def statements(role: str, path: Path) -> list[dict[str, Any]]:
    policies = of_type("AWS::IAM::Role", path)[f"{role}Role"]["Policies"]
    return [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]


def test_who_serves_people_may_not_read_queues_and_who_works_may_not_write_files() -> None:
    path = ROOT / "infra" / "roles.yaml"
    shared = of_type("AWS::IAM::ManagedPolicy", path)
    may: dict[str, set[str]] = {}
    for name, role in of_type("AWS::IAM::Role", path).items():
        named = [one["Ref"] if "Ref" in one else one["Fn::If"][1]["Ref"] for one in role["ManagedPolicyArns"]]
        parts = [role["Policies"], *(shared[one] for one in named)]
        may[name.removesuffix("Role")] = set(re.findall(r'"(\w+:[A-Z]\w+)"', names_of(parts)))
    for name in ("Chat", "ChatStream", "Manage", "Retrieve", "Socket"):
        assert "sqs:ReceiveMessage" not in may[name]
    # What ingestion keeps: what it fetched from an address, and what was read of a document.
    for name in ("Outbox", "Retrieve", "Migrate"):
        assert "s3:PutObject" not in may[name]
    written = [one["Resource"] for one in statements("Reflect", path) if "s3:PutObject" in one["Action"]]
    assert written == [{"Fn::Sub": "${BucketArn}/documents/*"}]  # what it writes down itself
    emitting = {name for name, actions in may.items() if "scheduler:CreateSchedule" in actions}
    assert emitting == {"Chat", "ChatStream", "Ingest", "Manage", "Outbox", "Reflect", "Socket", "Training"}


# Queues, schedules, storage


def test_every_queue_has_its_dead_letters_an_alarm_and_time_enough() -> None:
    path = ROOT / "infra" / "queues.yaml"
    queues = of_type("AWS::SQS::Queue", path)
    watched = names_of(of_type("AWS::CloudWatch::Alarm", path))
    served = {
        event["Properties"]["Queue"]["Fn::GetAtt"][1].removeprefix("Outputs.").removesuffix("Arn"): name
        for name, one in functions().items()
        for event in one.get("Events", {}).values()
        if event["Type"] == "SQS"
    }
    for name, one in queues.items():
        assert one["KmsMasterKeyId"] == {"Ref": "KeyArn"}, name
        assert one["MessageRetentionPeriod"] == 1209600, name
        if name.endswith("DeadLetters"):
            assert f'["{name}", "QueueName"]' in watched, name
            continue
        dead = one["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        assert queues[dead].get("FifoQueue") == one.get("FifoQueue"), name
        assert one["RedrivePolicy"]["maxReceiveCount"] == 5, name
        assert one["VisibilityTimeout"] >= 6 * functions()[served[name]]["Timeout"], name
    assert set(served) == {name for name in queues if not name.endswith("DeadLetters")}


def test_failed_records_come_again_one_by_one_and_few_at_a_time() -> None:
    for name, one in functions().items():
        for event in one.get("Events", {}).values():
            if event["Type"] == "SQS":
                assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
                assert event["Properties"]["ScalingConfig"]["MaximumConcurrency"] <= 10, name


def test_nothing_recurs_unless_it_is_asked_for_so_that_the_database_sleeps() -> None:
    for path in FILES:
        recurring = [
            one
            for one in template(path)["Resources"].values()
            if one["Type"] in {"AWS::Scheduler::Schedule", "AWS::Events::Rule"}
            and re.search(r"rate\(|cron\(|ScheduleExpression", names_of(one["Properties"]))
        ]
        assert [one["Condition"] for one in recurring] == (["Cycles"] if path.name == "training.yaml" else []), (
            path.name
        )
        assert len(re.findall(r"rate\(|cron\(", path.read_text())) == len(recurring), path.name
    assert holds(template(TRAINING)["Conditions"]["Cycles"], {"CycleMinutes": "0"}) is False
    assert template()["Parameters"]["TrainingCycleMinutes"]["Default"] == 0


def test_the_schedule_of_jobs_begins_them_later_by_chance() -> None:
    (cycle,) = of_type("AWS::Scheduler::Schedule", TRAINING).values()
    assert cycle["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": {"Ref": "CycleJitterMinutes"}}
    assert json.loads(cycle["Target"]["Input"]) == {"task": "cycle", "at": "<aws.scheduler.scheduled-time>"}
    assert cycle["Target"]["DeadLetterConfig"] == {"Arn": {"Ref": "DeadLettersArn"}}


def test_without_an_image_nothing_is_made_that_costs_for_jobs() -> None:
    """The queue stays, which costs nothing until something is in it."""
    assert template()["Parameters"]["TrainingImage"]["Default"] == ""
    assert holds(template()["Conditions"]["Trains"], {"TrainingImage": ""}) is False
    for path in FILES:
        for name, one in template(path)["Resources"].items():
            if name.startswith("Training") and one["Type"] != "AWS::SQS::Queue":
                assert one["Condition"] == "Trains", name


def test_the_bucket_is_private_versioned_and_tidied() -> None:
    (bucket,) = of_type("AWS::S3::Bucket", ROOT / "infra" / "storage.yaml").values()
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "NoncurrentVersionExpiration" in names_of(bucket["LifecycleConfiguration"])
    assert "aws:kms" in names_of(bucket["BucketEncryption"])


def test_what_people_keep_outlives_the_stack() -> None:
    kept = {("key.yaml", "Key"), ("storage.yaml", "Bucket"), ("secrets.yaml", "MasterKey")}
    for file, name in kept:
        one = template(ROOT / "infra" / file)["Resources"][name]
        assert (one["DeletionPolicy"], one["UpdateReplacePolicy"]) == ("Retain", "Retain"), name
    (key,) = of_type("AWS::KMS::Key", ROOT / "infra" / "key.yaml").values()
    assert key["EnableKeyRotation"] is True


# Watching


def test_every_alarm_tells_the_topic_and_says_what_to_do() -> None:
    for path in FILES:
        for name, one in of_type("AWS::CloudWatch::Alarm", path).items():
            assert "Topic" in names_of(one["AlarmActions"]), name
            assert one["TreatMissingData"] == "notBreaching", name
            assert len(one["AlarmDescription"]) > 20, name


def test_alarms_and_dashboard_look_at_metrics_that_are_written() -> None:
    watch = ROOT / "infra" / "watch.yaml"
    (dashboard,) = of_type("AWS::CloudWatch::Dashboard", watch).values()
    widgets = json.loads(dashboard["DashboardBody"]["Fn::Sub"])["widgets"]
    shown = {metric[1] for one in widgets for metric in one["properties"]["metrics"] if metric[0] == "Anima"}
    alarmed = {
        one["MetricName"] for one in of_type("AWS::CloudWatch::Alarm", watch).values() if one["Namespace"] == "Anima"
    }
    assert shown | alarmed <= set(catalogue.METRICS)
    assert {"http.errors", "db.slow", "db.connections_used", "db.size"} <= alarmed


def test_a_failed_deployment_is_told() -> None:
    rules = of_type("AWS::Events::Rule", ROOT / "infra" / "watch.yaml")
    assert {source for one in rules.values() for source in one["EventPattern"]["source"]} == {
        "aws.cloudformation",
        "aws.codedeploy",
    }


# Parameters, outputs, samples


GOOD = "postgresql://owner:p%40ss@ep-cool-1.eu-central-1.aws.neon.tech/anima?sslmode=require"


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("DatabaseUrl", "", True),
        ("DatabaseUrl", GOOD, True),
        ("DatabaseUrl", "postgres://owner:pw@127.0.0.1:5432/anima", True),
        ("DatabaseUrl", GOOD.replace("ep-cool-1", "ep-cool-1-pooler"), False),
        ("DatabaseUrl", GOOD.replace("postgresql", "mysql"), False),
        ("DatabaseUrl", "postgresql://owner@host/anima", False),
        ("DatabaseUrl", "postgresql://owner:pw@host", False),
        ("DatabaseUrl", 'postgresql://owner:p"w@host/anima', False),
        ("DatabaseUrl", f"{GOOD} ", False),
        ("PooledHost", "pool.example.org:6432", True),
        ("PooledHost", "postgresql://pool", False),
        ("DatabaseSecretArn", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mine", True),
        ("DatabaseSecretArn", "mine", False),
        ("Stage", "prod", True),
        ("Stage", "Prod", False),
        ("Stage", "a-name-that-is-too-long", False),
        ("AlarmEmail", "ops@example.org", True),
        ("AlarmEmail", "ops", False),
        ("ReaderImage", "", True),
        ("ReaderImage", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/anima-read-media:1", True),
        ("ReaderImage", "registry.example.org:5000/anima/read-media:1.2", True),
        ("ReaderImage", f"registry.example.org/read-media@sha256:{'0' * 64}", True),
        ("ReaderImage", "read-media", False),
        ("ReaderImage", "read media:1", False),
        ("TrainingImage", "", True),
        ("TrainingImage", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/anima-jobs:1", True),
        ("TrainingImage", "anima-jobs", False),
        ("TrainingJobQueue", "arn:aws:batch:eu-central-1:123456789012:job-queue/gpus", True),
        ("TrainingJobQueue", "gpus", False),
        ("TrainingOnDemandJobQueue", "", True),
        ("TrainingOnDemandJobQueue", "steady", False),
        ("TrainingInstance", "ml.g5.xlarge", True),
        ("TrainingInstance", "g5.xlarge", False),
        ("TrainingPipelineSimulation", "cartpole", True),
        ("TrainingPipelineSimulation", "../secret", False),
        ("ReaderSubnets", "", True),
        ("ReaderSubnets", "subnet-0123abcd,subnet-4567ef01", True),
        ("ReaderSubnets", "subnet-0123abcd, subnet-4567ef01", False),
        ("ReaderSubnets", "default", False),
    ],
)
def test_parameters_refuse_what_cannot_be_right(name: str, value: str, accepted: bool) -> None:
    given = template()["Parameters"][name]
    assert (re.search(given["AllowedPattern"], value) is not None) == accepted
    assert given["ConstraintDescription"]


def holds(condition: Any, parameters: dict[str, str]) -> Any:
    """What CloudFormation makes of a condition with these parameters."""
    if not isinstance(condition, dict):
        return condition
    ((name, given),) = condition.items()
    if name == "Ref":
        return parameters[given]
    values = [holds(one, parameters) for one in given]
    made = {
        "Fn::Or": any,
        "Fn::And": all,
        "Fn::Not": lambda one: not one[0],
        "Fn::Equals": lambda two: two[0] == two[1],
    }
    return made[name](values)


@pytest.mark.parametrize(
    ("url", "arn", "accepted"),
    [
        ("", "", False),
        (GOOD, "", True),
        ("", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mine", True),
        (GOOD, "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mine", False),
    ],
)
def test_the_database_is_named_in_one_way(url: str, arn: str, accepted: bool) -> None:
    rule = template()["Rules"]["OneDatabase"]
    assert "RuleCondition" not in rule, "it holds always"
    (assertion,) = rule["Assertions"]
    assert holds(assertion["Assert"], {"DatabaseUrl": url, "DatabaseSecretArn": arn}) is accepted
    assert assertion["AssertDescription"] == "Give either DatabaseUrl or DatabaseSecretArn"


@pytest.mark.parametrize(
    ("image", "subnets", "accepted"),
    [("", "", True), ("read-media:1", "subnet-0a", True), ("read-media:1", "", False), ("", "subnet-0a", False)],
)
def test_the_reader_has_an_image_and_a_place_or_neither(image: str, subnets: str, accepted: bool) -> None:
    (assertion,) = template()["Rules"]["WholeReader"]["Assertions"]
    assert holds(assertion["Assert"], {"ReaderImage": image, "ReaderSubnets": subnets}) is accepted


def test_only_what_ingests_may_start_the_reader_and_the_reader_writes_in_one_place() -> None:
    assert [name for name in functions() if "ANIMA_READER_JOB" in environment(name)] == ["IngestFunction"]
    roles = of_type("AWS::IAM::Role", ROOT / "infra" / "roles.yaml")
    may = {name: re.findall(r"stateMachine:anima-\$\{Stage\}-([\w-]+)", names_of(role)) for name, role in roles.items()}
    assert {name: found for name, found in may.items() if found} == {
        "IngestRole": ["read-media"],
        "TrainingRole": ["training"],
    }
    reader = of_type("AWS::IAM::Role", ROOT / "infra" / "readers.yaml")["ReaderRole"]["Policies"]
    written = [one for one in everything(reader) if isinstance(one, dict) and "s3:PutObject" in one.get("Action", ())]
    assert [one["Resource"] for one in written] == [{"Fn::Sub": "${BucketArn}/parsed/*"}]
    assert "secretsmanager:" not in names_of(reader)
    assert "sqs:" not in names_of(reader)


def test_a_job_reads_and_writes_in_its_places_and_knows_no_administrator() -> None:
    roles = of_type("AWS::IAM::Role", TRAINING)
    job = [one for policy in roles["JobRole"]["Policies"] for one in policy["PolicyDocument"]["Statement"]]
    written = [one["Resource"] for one in job if "s3:PutObject" in one["Action"]]
    assert written == [[{"Fn::Sub": "${BucketArn}/training/*"}, {"Fn::Sub": "${BucketArn}/tensors/*"}]]
    assert [one["Resource"] for one in job if "secretsmanager:" in names_of(one)] == [{"Ref": "JobSecret"}]
    (secret,) = of_type("AWS::SecretsManager::Secret", TRAINING).values()
    told = json.loads(secret["SecretString"]["Fn::Sub"])
    assert set(told) == {"ANIMA_APP_DATABASE_URL", "ANIMA_WORKER_DATABASE_URL"}
    assert not re.search(r"admin_url|owner_url|secret_key", names_of(secret))
    assert "secretsmanager:" not in names_of(roles["MachineRole"])


def test_the_machine_of_jobs_is_given_all_that_it_names() -> None:
    (machine,) = of_type("AWS::Serverless::StateMachine", TRAINING).values()
    text = (ROOT / "infra" / machine["DefinitionUri"]).read_text()
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(machine["DefinitionSubstitutions"])


def test_every_topic_that_is_delivered_at_home_has_a_queue() -> None:
    text = (ROOT / "layers/app/anima/operations/deliverer.py").read_text()
    topics = set(re.findall(r'"(\w+\.\w+)": \w+\.handle', text))
    assert "training.requested" in topics
    urls = default("Environment")["Variables"]["ANIMA_QUEUE_URLS"]["Fn::Sub"]
    assert topics <= set(json.loads(urls)), topics - set(json.loads(urls))


def test_a_job_whose_execution_is_ended_by_others_is_told() -> None:
    rule = of_type("AWS::Events::Rule", TRAINING)["Ended"]
    assert set(rule["EventPattern"]["detail"]["status"]) == {"FAILED", "TIMED_OUT", "ABORTED"}
    (target,) = rule["Targets"]
    template_of_input = target["InputTransformer"]["InputTemplate"]
    filled = template_of_input.replace("<status>", '"ABORTED"').replace("<input>", json.dumps('{"job_id": "1"}'))
    sample = json.loads((EVENTS / "training_ended.json").read_text())
    assert set(json.loads(filled)) == set(sample)


def test_every_parameter_is_described_and_given_on_to_what_takes_it() -> None:
    given = template()["Parameters"]
    assert all(one["Description"] for one in given.values())
    text = names_of({key: value for key, value in template().items() if key not in {"Parameters", "Metadata"}})
    assert [name for name in given if f'"{name}"' not in text and f"${{{name}}}" not in text] == []
    for name, nested in of_type("AWS::Serverless::Application").items():
        wanted = template(ROOT / nested["Location"])["Parameters"]
        required = {key for key, value in wanted.items() if "Default" not in value}
        assert required <= set(nested["Parameters"]) <= set(wanted), name
    assert {nested["Location"] for nested in of_type("AWS::Serverless::Application").values()} == {
        str(path.relative_to(ROOT)) for path in INFRA
    }


def test_the_outputs_say_where_everything_is() -> None:
    promised = {"ApiUrl", "StreamUrl", "SocketUrl", "ConsoleUrl", "FirstAdminLink", "BucketName"}
    assert promised <= set(template()["Outputs"])


SAMPLES = {
    "chat": "HttpApi",
    "retrieve": "HttpApi",
    "manage": "HttpApi",
    "chat_stream": "REST",
    "socket": "WebSocket",
    "socket_disconnect": "WebSocket",
    "socket_message": "WebSocket",
    "ingest": "SQS",
    "transcript": "SQS",
    "reflect": "SQS",
    "training": "SQS",
    "training_step": "Task",
    "training_ended": "Task",
    "training_cycle": "Task",
    "outbox": "Schedule",
    "migrate": "Plain",
    "migrate_post": "Plain",
    "migrate_link": "Plain",
    "migrate_setup": "Custom",
    "migrate_first_admin": "Custom",
}


def test_every_source_of_events_has_a_sample() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == {*SAMPLES, "env"}
    for one in functions().values():
        name = Path(one["CodeUri"]).name
        kinds = {event["Type"] for event in one.get("Events", {}).values()}
        assert name in SAMPLES
        assert kinds <= {SAMPLES[name]}
    for kind in ("AnimaSetup", "AnimaFirstAdmin"):
        (resource,) = of_type(f"Custom::{kind}").values()
        samples = [json.loads((EVENTS / f"{name}.json").read_text()) for name in SAMPLES if SAMPLES[name] == "Custom"]
        (sample,) = (one for one in samples if one["ResourceType"] == f"Custom::{kind}")
        assert set(sample["ResourceProperties"]) == set(resource)


def test_the_environment_for_sam_local_names_what_the_functions_read() -> None:
    """`sam local` hands over only what the template names, and leaves what it cannot know as text."""
    overrides = json.loads((EVENTS / "env.json").read_text())["Parameters"]
    assert set(overrides) <= {variable for name in functions() for variable in environment(name)}
    elsewhere = re.compile(r"Fn::GetAtt|resolve:|Outputs\.|AccountId")
    unknown = {
        variable
        for name in ("ChatFunction", "RetrieveFunction", "ManageFunction")
        for variable, value in environment(name).items()
        if elsewhere.search(names_of(value))
    }
    assert unknown <= set(overrides)


def test_settings_of_sam_hold_no_account_and_deploy_three_stages() -> None:
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert {"default", "dev", "staging", "prod"} <= set(settings)
    assert "s3_bucket" not in names_of(settings)
    assert not re.search(r"\d{12}|arn:aws", names_of(settings))
    for stage in ("dev", "staging", "prod"):
        given = dict(one.split("=", 1) for one in settings[stage]["deploy"]["parameters"]["parameter_overrides"])
        assert set(given) <= set(template()["Parameters"])
        assert given["Stage"] == stage
        assert given["Rollout"] in template()["Parameters"]["Rollout"]["AllowedValues"]


def test_what_the_scan_leaves_out_has_its_reason() -> None:
    lines = (ROOT / ".checkov.yaml").read_text().splitlines()
    skipped = [number for number, line in enumerate(lines) if re.match(r"\s+- CKV", line)]
    assert skipped
    for number in skipped:
        before = number - 1
        while re.match(r"\s+- CKV", lines[before]):
            before -= 1
        assert lines[before].strip().startswith("# "), lines[number]
