"""The processes of the local cloud: ministack, which runs everything, and moto, whose EC2 knows servers and their volumes.

`Cloud.start` starts what does not run and `Cloud.stop` ends only what a start of this directory started. Both listen on the
loopback alone. Nothing outlives them: a cloud that died, however it died, is started afresh and deployed to again.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from deploy import Failed

HOST = "127.0.0.1"
SECONDS_TO_START = 60


@dataclass(frozen=True)
class Cloud:
    """A local cloud on `port` (ministack) and `port + 1` (moto), whose files are in `directory`."""

    directory: Path
    port: int

    def env(self) -> dict:
        """The environment in which the AWS CLI, an SDK or a function talks to this cloud."""
        ours = {
            "AWS_ENDPOINT_URL": f"http://{HOST}:{self.port}",
            "AWS_ENDPOINT_URL_EC2": os.environ.get("AWS_ENDPOINT_URL_EC2") or self.moto_url(),
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        leave_out = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
        return {key: value for key, value in os.environ.items() if key not in leave_out} | ours

    def moto_url(self) -> str:
        return f"http://{HOST}:{self.port + 1}"

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        scripts = Path(sys.executable).parent
        # ministack hands its own environment on to the functions: another EC2 needs another ministack.
        ec2 = self.env()["AWS_ENDPOINT_URL_EC2"]
        self._start("ministack", self.port, [str(scripts / "ministack")], ec2=ec2)
        self._start("moto", self.port + 1, [str(scripts / "moto_server"), "-H", HOST, "-p", str(self.port + 1)])

    def stop(self) -> list[str]:
        """Ends what runs; returns the names."""
        return [name for name in ("ministack", "moto") if self._stop(name)]

    def _start(self, name: str, port: int, command: list[str], **hands_on: str) -> None:
        started = {"port": port} | hands_on
        if self._pid(name):
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
        self._pid_file(name).write_text(json.dumps(started | {"pid": process.pid}))
        await_answer(name, port, process, self.directory / f"{name}.log")

    def _stop(self, name: str) -> bool:
        pid = self._pid(name)
        if pid:
            os.killpg(pid, signal.SIGTERM)
            for _ in range(50):
                if not self._pid(name):
                    break
                time.sleep(0.1)
            else:
                os.killpg(pid, signal.SIGKILL)
        self._pid_file(name).unlink(missing_ok=True)
        return bool(pid)

    def _pid(self, name: str) -> int | None:
        """The process that a start of this directory left, if it is still that one and not a later one of its number."""
        pid = self._recorded(name).get("pid")
        if not pid:
            return None
        shown = subprocess.run(["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True).stdout
        return pid if name in shown and not shown.startswith("Z") else None

    def _recorded(self, name: str) -> dict:
        try:
            return json.loads(self._pid_file(name).read_text())
        except (OSError, ValueError):
            return {}

    def _pid_file(self, name: str) -> Path:
        return self.directory / f"{name}.pid"


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((HOST, port)) == 0


def await_answer(name: str, port: int, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while not answers(port):
        if process.poll() is not None:
            raise Failed(f"{name} ended with status {process.returncode} as it started; read {log}")
        if time.monotonic() > deadline:
            raise Failed(f"{name} does not answer on port {port} after {SECONDS_TO_START} s; read {log}")
        time.sleep(0.1)
