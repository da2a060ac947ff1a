"""A real JupyterLab, as a process, and notebooks for it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import nbformat

START_S = 60
EXTENSION = Path(__file__).parent.parent / "labextension" / "telerun_labextension" / "labextension"
QUIET = {"fetchNews": "false", "checkForUpdates": False}


class LabProcess:
    """JupyterLab or Notebook (`app`) on a free port, in a home of its own, with this checkout's extension."""

    def __init__(self, folder: Path, *, base_url: str = "/", app: str = "jupyterlab") -> None:
        self.folder = folder
        self.root = folder / "root"
        self.log = folder / "lab.log"
        self.token = secrets.token_hex(16)
        self.base_url = base_url
        self.app = app
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.base_url.rstrip('/')}"

    def start(self, environment: Mapping[str, str]) -> LabProcess:
        """Starts, and waits until it answers. `environment` says which queue server there is."""
        self.root.mkdir(parents=True, exist_ok=True)
        extensions = self.folder / "share" / "labextensions"
        extensions.mkdir(parents=True, exist_ok=True)
        if not (extensions / "telerun-lab").exists():
            (extensions / "telerun-lab").symlink_to(EXTENSION)
        quiet = self.folder / "settings" / "@jupyterlab" / "apputils-extension"
        quiet.mkdir(parents=True, exist_ok=True)
        (quiet / "notification.jupyterlab-settings").write_text(json.dumps(QUIET))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        argv = [
            *(sys.executable, "-m", self.app, "--no-browser", "--allow-root"),
            *(f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0", f"--ServerApp.base_url={self.base_url}"),
            *(f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.root}"),
            *("--ServerApp.jpserver_extensions=telerun_labextension=True", "--LabApp.news_url=None"),
            *("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.expose_app_in_browser=True"),
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ]
        env = {
            **environment,
            "HOME": str(self.folder),
            "JUPYTER_PATH": str(self.folder / "share"),
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.folder / "workspaces"),
            "IPYTHONDIR": str(self.folder / "ipython"),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(argv, env=env, stdout=log, stderr=log, start_new_session=True)
        self._wait()
        return self

    def _wait(self) -> None:
        assert self.process is not None
        request = urllib.request.Request(f"{self.url}/api/status", headers={"Authorization": f"token {self.token}"})
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(request, timeout=5).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
            else:
                return
        raise AssertionError(f"JupyterLab did not start:\n{self.log.read_text()[-4000:]}")

    def stop(self) -> None:
        """Ends it with its kernels."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def write_notebook(self, name: str, cells: Sequence[str]) -> str:
        """A notebook with these code cells; returns its path below the root."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        return name
