"""JupyterLab with a server and an executor of its own, and all of them gone together."""

from __future__ import annotations

import importlib.util
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

from telerun_magic.local.supervisor import Child, Service, Supervisor
from telerun_protocol.errors import NotConfigured

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the loopback has no proxy


def require() -> None:
    if importlib.util.find_spec("jupyterlab") is None:
        raise NotConfigured("JupyterLab is not installed.", hint="Run pip install 'telerun-magic[all]'.")


def environment(service: Service) -> dict[str, str]:
    """What kernels need to find the server of this run: the way to the token, never the token."""
    env = {**os.environ, "TELERUN_URL": service.url, "TELERUN_TOKEN_FILE": str(service.user_token_file)}
    env.pop("TELERUN_CA_FILE", None)
    return env


def start_jupyter(
    supervisor: Supervisor, service: Service, *, root: Path, browser: bool, port: int | None, more: Sequence[str]
) -> str:
    """Starts JupyterLab and returns its address once it answers."""
    options = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if port is not None:
        options += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        options.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    lab = supervisor.start("jupyterlab", [sys.executable, "-m", "jupyterlab", *options, *more], environment(service))
    address: list[str] = []
    supervisor.wait_until(_answers(lab, address), "JupyterLab answers")
    return address[0]


def _answers(lab: Child, address: list[str]) -> Callable[[], bool]:
    """Jupyter writes where it listens into a file named after its process; then it must answer there."""
    file = Path(jupyter_runtime_dir()) / f"jpserver-{lab.process.pid}.json"

    def check() -> bool:
        try:
            told = json.loads(file.read_text())
            url, token = told["url"], told["token"]
        except (FileNotFoundError, json.JSONDecodeError):
            return False
        try:
            with _direct.open(f"{url}api", timeout=5):
                pass
        except urllib.error.HTTPError:
            pass  # an answer, if not a friendly one
        except OSError as error:
            own_certificate = isinstance(getattr(error, "reason", None), ssl.SSLError)  # also an answer
            if not own_certificate:
                return False
        address.append(f"{url}lab?token={token}" if token else f"{url}lab")
        return True

    return check
