"""Runs a state machine once on moto's Step Functions interpreter and prints the outcome as one JSON document.

The interpreter runs in this process. Lambda, S3 and SNS are the local cloud's, at AWS_ENDPOINT_URL.

Each function under "Where moto differs" changes one behavior of moto 5.2.5, for the reason that its first line states.
tests/tests/cloud/second_engine.rs cites the AWS documentation on each difference from AWS.
"""

import argparse
import datetime
import json
import logging
import os
import sys
import time
import types
import uuid
from dataclasses import dataclass, field
from importlib import metadata

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

MOTO = "5.2.5"
PARSER = "moto.stepfunctions.parser"
MAP = f"{PARSER}.asl.component.state.exec.state_map"
SECONDS_TO_ANSWER = 1_000


class Failed(Exception):
    """The execution could not be run at all."""


def module(name: str) -> types.ModuleType:
    __import__(name)
    return sys.modules[name]


# Where moto differs from AWS


def read_json_lines() -> None:
    """Adds the InputType JSONL, because moto's item reader only knows CSV and JSON."""
    input_type = module(f"{MAP}.item_reader.reader_config.input_type").InputType
    reader = module(f"{MAP}.item_reader.item_reader_decl")
    transformer = module(f"{MAP}.item_reader.eval.resource_output_transformer.transformer").ResourceOutputTransformer
    known_type, known_transformer = input_type.__init__, reader.resource_output_transformer_for

    class JsonLines(transformer):
        def _eval_body(self, env) -> None:
            config, text = env.stack.pop(), env.stack.pop()
            items = [json.loads(line) for line in text.split("\n") if line.strip()]
            env.stack.append(items[: config["MaxItemsValue"]])

    def set_type(self, input_type: str) -> None:
        if input_type == "JSONL":
            self.input_type_value = input_type
        else:
            known_type(self, input_type)

    def transformer_for(input_type):
        return JsonLines() if input_type.input_type_value == "JSONL" else known_transformer(input_type)

    input_type.__init__, reader.resource_output_transformer_for = set_type, transformer_for


def in_motos_grammar(definition: object) -> object:
    """Writes a tolerated percentage of 100 as 100.0 and leaves out WriterConfig, because moto's grammar has no integer there and does
    not know the latter. AWS takes both."""
    if isinstance(definition, list):
        return [in_motos_grammar(one) for one in definition]
    if not isinstance(definition, dict):
        return definition
    decimal = {"ToleratedFailurePercentage": float}
    known = {key: value for key, value in definition.items() if key != "WriterConfig"}
    return {key: decimal.get(key, in_motos_grammar)(value) for key, value in known.items()}


def write_results(run: "Run") -> None:
    """Writes the records of the children as JSON Lines, because moto writes a manifest without files; and evaluates a ResultWriter's
    Parameters against the input of its state, because moto evaluates them against the results."""
    writer = module(f"{MAP}.result_writer.result_writer_decl").ResultWriter

    def evaluate(self, env) -> None:
        env.stack.pop()
        env.stack.append(env.states.get_input())
        self.parargs.eval(env=env)
        place, _ = env.stack.pop(), env.stack.pop()
        map_run = env.map_run_record_pool_manager.get_all().pop()
        folder = f"{place['Prefix'].strip('/')}/{map_run.map_run_arn.rsplit(':', 1)[1]}"
        files = {"PENDING": []}
        for kind in ("FAILED", "SUCCEEDED"):
            lines = [json.dumps(child.record()) for child in run.children_of(map_run) if child.status == kind]
            files[kind] = [put(place["Bucket"], f"{folder}/{kind}_0.jsonl", "\n".join(lines))] if lines else []
        manifest = {"DestinationBucket": place["Bucket"], "MapRunArn": map_run.map_run_arn, "ResultFiles": files}
        key = put(place["Bucket"], f"{folder}/manifest.json", json.dumps(manifest))["Key"]
        details = {"Bucket": place["Bucket"], "Key": key}
        env.stack.append({"MapRunArn": map_run.map_run_arn, "ResultWriterDetails": details})

    writer._eval_body = evaluate


def tolerate_failures(run: "Run") -> None:
    """Compares the failed children with the tolerated failures, because moto's Map Run does not depend on either."""
    component = module(f"{MAP}.iteration.distributed_iteration_component").DistributedIterationComponent
    failure = module(f"{PARSER}.asl.component.common.error_name.failure_event")
    names = module(f"{PARSER}.asl.component.common.error_name.states_error_name")
    types_of_name = module(f"{PARSER}.asl.component.common.error_name.states_error_name_type").StatesErrorNameType
    api = module(f"{PARSER}.api")
    detail = module(f"{PARSER}.asl.eval.event.event_detail").EventDetails
    map_run = component._map_run

    def run_and_compare(self, env, eval_input) -> None:
        map_run(self, env, eval_input)
        children = run.children_of(eval_input.map_run_record)
        failed = sum(child.status == "FAILED" for child in children)
        count, percentage = eval_input.tolerated_failure_count, eval_input.tolerated_failure_percentage
        limits = [failed > limit for limit in (count, percentage * len(children) / 100) if limit] or [failed > 0]
        if any(limits):
            name = names.StatesErrorName(typ=types_of_name.StatesExceedToleratedFailureThreshold)
            cause = "The specified tolerated failure threshold was exceeded"
            details = detail(
                mapRunFailedEventDetails=api.MapRunFailedEventDetails(error=name.error_name, cause=cause)
            )
            event = failure.FailureEvent(
                env=env, error_name=name, event_type=api.HistoryEventType.MapRunFailed, event_details=details
            )
            raise failure.FailureEventException(failure_event=event)

    component._map_run = run_and_compare


def record_children(run: "Run") -> None:
    """Records each child execution, because moto keeps the events of all children in one list and drops it."""
    worker = module(f"{MAP}.iteration.itemprocessor.distributed_item_processor_worker").DistributedItemProcessorWorker
    event_manager = module(f"{PARSER}.asl.eval.event.event_manager").EventManager
    states = module(f"{PARSER}.asl.eval.program_state")
    evaluate = worker._eval_job

    def evaluate_and_record(self, env, job) -> None:
        env.event_manager = event_manager()
        child = run.add_child(self._work_name, self._map_run_record)
        evaluate(self, env, job)
        events, end = env.event_manager.get_event_history(), env.program_state()
        error = {"error": "States.Runtime", "cause": "The child execution did not reach its end."}
        if isinstance(end, states.ProgramError):
            error = end.error
        elif isinstance(end, states.ProgramEnded):
            error = None
        child.end(events, error, job.job_output)

    worker._eval_job = evaluate_and_record


# Where moto differs from the local cloud


def call_the_local_cloud() -> None:
    """Points the tasks at AWS_ENDPOINT_URL, because moto's interpreter only calls moto. Each module has its own reference."""

    def client(region: str, service: str, state_credentials: object = None):
        return local_client(service, region)

    for name, loaded in list(sys.modules.items()):
        if name.startswith(PARSER) and hasattr(loaded, "boto_client_for"):
            loaded.boto_client_for = client


def scale_pauses(scale: float) -> None:
    """Scales Wait states and the pauses before retries, because moto does not read SFN_WAIT_SCALE as the local cloud does."""
    retrier = module(f"{PARSER}.asl.component.common.retry.retrier_decl")
    wait = module(f"{PARSER}.asl.component.state.wait.wait_function.wait_function").WaitFunction
    pause = wait._wait_interval
    retrier.time = types.SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * scale))
    wait._wait_interval = lambda self, env, wait_seconds: pause(self, env, wait_seconds * scale)


def adapt(run: "Run") -> None:
    read_json_lines()
    write_results(run)
    tolerate_failures(run)
    record_children(run)
    call_the_local_cloud()
    scale_pauses(float(os.environ.get("SFN_WAIT_SCALE") or 1))


# The execution


@dataclass
class Child:
    """A child execution of a Map Run."""

    arn: str
    state: str
    map_run: object
    started: float
    status: str = "RUNNING"
    events: list = field(default_factory=list)
    stopped: float | None = None
    error: dict | None = None
    output: object = None

    def end(self, events: list, error: dict | None, output: object) -> None:
        self.events, self.error, self.output = events, error, output
        self.status, self.stopped = ("FAILED" if error else "SUCCEEDED"), now()

    def record(self) -> dict:
        """Returns the child as a ResultWriter writes it."""
        started = next((entered["input"] for entered in entered_states(self.events)), "null")
        error = {key.capitalize(): value for key, value in (self.error or {}).items()}
        end = error if self.error else {"Output": json.dumps(self.output)}
        return {"ExecutionArn": self.arn, "Input": started, "Name": self.arn.rsplit(":", 1)[1], "Status": self.status} | end


@dataclass
class Run:
    """One execution on moto's interpreter, and its children."""

    machine: dict
    name: str
    input: str
    children: list[Child] = field(default_factory=list)
    execution: object = None

    @property
    def arn(self) -> str:
        return self.machine["stateMachineArn"].replace(":stateMachine:", ":execution:") + f":{self.name}"

    def add_child(self, state: str, map_run: object) -> Child:
        machine = map_run.map_state_machine_arn.replace(":stateMachine:", ":execution:")
        child = Child(f"{machine}:{uuid.uuid4()}", state, map_run, now())
        self.children.append(child)
        return child

    def children_of(self, map_run: object) -> list[Child]:
        return [child for child in self.children if child.map_run is map_run]

    def evaluate(self) -> None:
        backend = module(f"{PARSER}.backend.execution")
        definition = json.dumps(in_motos_grammar(json.loads(self.machine["definition"])))
        kind = module(f"{PARSER}.api").StateMachineType.STANDARD
        machine = types.SimpleNamespace(
            arn=self.machine["stateMachineArn"], name=self.machine["name"], definition=definition, sm_type=kind
        )
        _, _, _, region, account, *_ = self.arn.split(":")
        self.execution = backend.SyncExecution(
            name=self.name, sm_type=kind, role_arn=self.machine["roleArn"], exec_arn=self.arn, account_id=account,
            region_name=region, state_machine=machine, start_date=datetime.datetime.now(tz=datetime.timezone.utc),
            cloud_watch_logging_session=None, activity_store={}, input_data=self.input,
        )
        try:
            self.execution.start()
        except Exception as error:
            raise Failed(f"moto cannot run the definition of {self.machine['name']}: {error}") from error

    def document(self) -> dict:
        events = self.execution.to_history_output()["events"]
        children = {}
        for child in self.children:
            states = [entered["name"] for entered in entered_states(child.events)]
            children.setdefault(child.state, []).append(states)
        return {
            "status": self.execution.exec_status,
            "error": self.execution.error,
            "cause": self.execution.cause,
            "output": self.execution.output,
            "states": [entered["name"] for entered in entered_states(events)],
            "children": {state: sorted(entered) for state, entered in children.items()},
            "events": [event["type"] for event in events],
        }


def entered_states(events: list) -> list[dict]:
    return [event["stateEnteredEventDetails"] for event in events if "stateEnteredEventDetails" in event]


def now() -> float:
    return datetime.datetime.now(tz=datetime.timezone.utc).timestamp()


# The command


def endpoint() -> str:
    address = os.environ.get("AWS_ENDPOINT_URL")
    if not address:
        raise Failed("AWS_ENDPOINT_URL is not set. Set it to the address of the local cloud.")
    return address.rstrip("/")


def put(bucket: str, key: str, text: str) -> dict:
    local_client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())
    return {"Key": key, "Size": len(text.encode())}


def local_client(service: str, region: str | None = None):
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=SECONDS_TO_ANSWER,
                    proxies={}, s3={"addressing_style": "path"})
    return boto3.client(service, region_name=region, endpoint_url=endpoint(), config=config)


def described(state_machine: str) -> dict:
    return local_client("stepfunctions").describe_state_machine(stateMachineArn=state_machine)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("state_machine", metavar="STATE_MACHINE_ARN", help="a state machine of the local cloud")
    parser.add_argument("--name", required=True, help="the name of the execution")
    parser.add_argument("--input", default="{}", help="the input of the execution, as JSON [default: {}]")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if metadata.version("moto") != MOTO:
        raise Failed(f"moto {metadata.version('moto')} is installed, but the adaptations are for moto {MOTO}")
    try:
        json.loads(given.input)
    except ValueError as error:
        raise Failed(f"--input is not JSON: {error}") from error
    logging.disable(logging.CRITICAL)
    run = Run(described(given.state_machine), given.name, given.input)
    module(f"{PARSER}.asl.parse.asl_parser")
    adapt(run)
    run.evaluate()
    json.dump(run.document(), sys.stdout, indent=2, default=str)
    print()


if __name__ == "__main__":
    try:
        main()
    except (Failed, BotoCoreError, ClientError) as problem:
        sys.exit(f"second_engine: {problem}")
