"""A kernel driven cell by cell, and what its cells show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

CELL_S = 60


@dataclass
class Shown:
    """What one cell shows."""

    outputs: list[Any] = field(default_factory=list)

    def stream(self, name: str = "stdout") -> str:
        return "".join(output["text"] for output in self.outputs if output.get("name") == name)

    def _data(self, mime: str) -> str:
        return "\n".join(output["data"].get(mime, "") for output in self.outputs if "data" in output)

    @property
    def text(self) -> str:
        return self._data("text/plain")

    @property
    def html(self) -> str:
        return self._data("text/html")

    @property
    def display_ids(self) -> set[str]:
        """Of the displays that later messages can replace."""
        return {output["transient"]["display_id"] for output in self.outputs if output.get("transient")}

    @property
    def facts(self) -> dict[str, Any]:
        """Of the last job shown."""
        found = [
            output["data"].get("application/vnd.telerun.job.v1+json") for output in self.outputs if "data" in output
        ]
        return [facts for facts in found if facts][-1]

    @property
    def error(self) -> str | None:
        """The error as a person sees it."""
        errors = [output for output in self.outputs if output.get("output_type") == "error"]
        return "\n".join(errors[-1]["traceback"]) if errors else None


class Kernel:
    """A kernel driven cell by cell, with every message as it comes."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(env=environment, cwd=str(folder))
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(CELL_S)

    def run(
        self,
        code: str,
        on_message: Callable[[str, dict[str, Any]], None] | None = None,
        *,
        answer: str | None = None,
    ) -> Shown:
        """`on_message` hears the type and content of each message of the cell at the moment it arrives.

        `answer` is what is typed when the cell asks for something.
        """
        shown = Shown()
        displays: dict[str, dict[str, Any]] = {}

        def hook(message: dict[str, Any]) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind in ("stream", "display_data", "execute_result", "error"):
                shown.outputs.append({"output_type": kind, **content})
            display_id = content.get("transient", {}).get("display_id")
            if kind == "display_data":
                displays[display_id] = shown.outputs[-1]
            elif kind == "update_display_data" and display_id in displays:
                displays[display_id]["data"] = content["data"]
            if on_message:
                on_message(kind, content)

        self.client.execute_interactive(
            code,
            timeout=CELL_S,
            output_hook=hook,
            allow_stdin=answer is not None,
            stdin_hook=lambda message: self.client.input(answer),
        )
        return shown

    def restart(self) -> None:
        self.manager.restart_kernel(now=True)
        self.client.wait_for_ready(CELL_S)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
