"""The processes of the local cloud: ministack, which runs everything, and moto, whose EC2 has servers with volumes.

`Cloud.start` starts missing processes, and `Cloud.stop` only ends processes that a start of this directory started. Both processes only
listen on the loopback. Their data is lost when they end, so a cloud that died starts empty and is deployed to again.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from failed import Failed

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

HOST = "127.0.0.1"
SECONDS_TO_START = 60
SECONDS_TO_STOP = 5
# The functions and `nightly` refuse a Night in the future unless this variable is set.
ANY_NIGHT = "NIGHTLY_ANY_NIGHT"
# `env` exports this with AWS_ENDPOINT_URL_EC2, to distinguish the cloud's own EC2 from one that the user chose.
OWN_EC2 = "NIGHTLY_LOCAL_EC2"


@dataclass(frozen=True)
class Cloud:
    """A local cloud on `port` (ministack) and `port + 1` (moto), whose files are in `directory`."""

    directory: Path
    port: int
    region: str = "us-east-1"

    def env(self) -> dict:
        """Returns the environment in which the AWS CLI, an SDK or a function talks to this cloud."""
        ours = {
            "AWS_ENDPOINT_URL": f"http://{HOST}:{self.port}",
            "AWS_ENDPOINT_URL_EC2": chosen_ec2() or self.moto_url(),
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            ANY_NIGHT: os.environ.get(ANY_NIGHT, "1"),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        leave_out = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", OWN_EC2)
        return {key: value for key, value in os.environ.items() if key not in leave_out} | ours

    def moto_url(self) -> str:
        return f"http://{HOST}:{self.port + 1}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds this cloud's directory against a second `make up` or `make down`, and against another checkout."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / "lock", "a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"Waiting for another make that works on {self.directory}", flush=True)
                fcntl.flock(lock, fcntl.LOCK_EX)
            self._require_own_checkout()
            yield

    def _require_own_checkout(self) -> None:
        owner = self.directory / "checkout"
        if owner.exists() and (other := Path(owner.read_text())) != ROOT and other.exists():
            raise Failed(f"{self.directory} belongs to the checkout {other}; set LOCAL_DIR to another directory, or delete it")
        owner.write_text(str(ROOT))

    def start(self, with_servers: bool) -> None:
        """Starts ministack, and moto if `with_servers`, unless they run already."""
        # ministack passes its environment on to the functions, so another EC2 needs a new ministack.
        ec2 = self.env()["AWS_ENDPOINT_URL_EC2"]
        self._start("ministack", self.port, [sys.executable, str(HERE / "ministack_additions.py")], ec2=ec2)
        if with_servers:
            moto = [sys.executable, str(HERE / "moto_additions.py"), "-H", HOST, "-p", str(self.port + 1)]
            self._start("moto", self.port + 1, moto)
            self._await_answer("moto", self.port + 1)
        self._await_answer("ministack", self.port)

    def stop(self) -> list[str]:
        """Ends the running processes, and returns their names."""
        return [name for name in ("ministack", "moto") if self._stop(name)]

    def _start(self, name: str, port: int, command: list[str], **hands_on: str) -> None:
        started = {"port": port} | hands_on
        if self._process(name):
            if answers(port) and started.items() <= self._recorded(name).items():
                return
            self._stop(name)
        if answers(port):
            raise Failed(f"port {port} is in use by another program; end it, or choose another with PORT={self.port + 100}")
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        env = self.env() | {"GATEWAY_PORT": str(self.port), "BIND_HOST": HOST, "TMPDIR": str(temporary),
                            "STATE_DIR": str(temporary), "IOT_MTLS_ENABLED": "0", "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}
        with open(self.directory / f"{name}.log", "wb") as log:
            process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        began = psutil.Process(process.pid).create_time()
        self._pid_file(name).write_text(json.dumps(started | {"pid": process.pid, "began": began}))

    def _await_answer(self, name: str, port: int) -> None:
        log = self.directory / f"{name}.log"
        deadline = time.monotonic() + SECONDS_TO_START
        while not answers(port):
            if not self._process(name):
                raise Failed(f"{name} ended as it started: {last_line(log)} (the whole log: {log})")
            if time.monotonic() > deadline:
                raise Failed(f"{name} does not answer on port {port} after {SECONDS_TO_START} s; read {log}")
            time.sleep(0.05)

    def _stop(self, name: str) -> bool:
        process = self._process(name)
        self._pid_file(name).unlink(missing_ok=True)
        if not process:
            return False
        # The process leads its own process group, which includes the functions.
        signal_group(process.pid, signal.SIGTERM)
        try:
            process.wait(SECONDS_TO_STOP)
        except psutil.TimeoutExpired:
            signal_group(process.pid, signal.SIGKILL)
        return True

    def _process(self, name: str) -> psutil.Process | None:
        """Returns the process that a start of this directory left. A later process with the same ID has another start time."""
        recorded = self._recorded(name)
        try:
            process = psutil.Process(recorded["pid"])
            is_ours = process.create_time() == recorded["began"] and process.status() != psutil.STATUS_ZOMBIE
        except (KeyError, TypeError, ValueError, psutil.Error):
            return None
        return process if is_ours else None

    def _recorded(self, name: str) -> dict:
        try:
            return json.loads(self._pid_file(name).read_text())
        except (OSError, ValueError):
            return {}

    def _pid_file(self, name: str) -> Path:
        return self.directory / f"{name}.pid"


def here() -> Cloud:
    """Returns the local cloud that the variables LOCAL_DIR, PORT and REGION name."""
    port = os.environ.get("PORT") or "4566"
    if not (port.isascii() and port.isdigit()) or not 1024 <= int(port) <= 65534:
        raise Failed(f"PORT={port} is not a port from 1024 to 65534")
    directory = Path(os.environ.get("LOCAL_DIR") or ROOT / "target/local").resolve()
    return Cloud(directory, int(port), os.environ.get("REGION") or "us-east-1")


def chosen_ec2() -> str | None:
    """Returns the EC2 that the user chose. One that the `env` of a local cloud exported is not the user's choice."""
    chosen = os.environ.get("AWS_ENDPOINT_URL_EC2")
    return None if chosen == os.environ.get(OWN_EC2) else chosen


def signal_group(leader: int, number: int) -> None:
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        pass


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((HOST, port)) == 0


def last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "its log is empty"
