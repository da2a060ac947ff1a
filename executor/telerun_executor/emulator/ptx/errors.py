"""What can be wrong with PTX.

PtxError
├── PtxSyntaxError    the text is no PTX that we can read
└── UnsupportedPtx    it is PTX, but the emulation does not have this
"""

from __future__ import annotations


class PtxError(Exception):
    """The PTX cannot be translated."""


class PtxSyntaxError(PtxError):
    """The text is no PTX: a tool's fault, never the user's program's."""

    def __init__(self, message: str, line: int) -> None:
        """`line` counts in the PTX, from 1."""
        super().__init__(f"PTX line {line}: {message}")
        self.line = line


class UnsupportedPtx(PtxError):
    """An instruction, or a form of one, that the emulation does not have.

    Attributes:
        instruction: as the PTX has it, e.g. `tex.2d.v4.f32.f32`.
        kernel: the symbol of the kernel or device function, or `""` outside of one.
        source: (file, line) of the user's program, or `None` where the PTX tells no line.
        ptx_line: the line in the PTX, from 1.
        hint: why it is not there, or `""`.
    """

    def __init__(self, instruction: str, ptx_line: int = 0, hint: str = "") -> None:
        super().__init__(instruction)
        self.instruction = instruction
        self.ptx_line = ptx_line
        self.hint = hint
        self.kernel = ""
        self.source: tuple[str, int] | None = None

    @property
    def message(self) -> str:
        """What is missing, and why."""
        where = "" if self.source else f" (line {self.ptx_line} of the PTX)"
        hint = f": {self.hint}" if self.hint else ""
        return f"unsupported PTX: {self.instruction}{where}{hint}"

    def __str__(self) -> str:
        """One line; it ends like the reports of a run, so that both become diagnostics of the cell."""
        kernel = f" [kernel {self.kernel}]" if self.kernel else ""
        place = f" at {self.source[0]}:{self.source[1]}" if self.source else ""
        return f"{self.message}{kernel}{place}"
