"""What a job itself said last, for the error that tells its failure."""

from __future__ import annotations

from telerun_magic.render import clean
from telerun_protocol.messages import Diagnostic, Result
from telerun_protocol.states import Reason

CHARS = 200


def last_words(result: Result, stderr: str) -> str:
    """What says most about a failure: the compiler's first error, or the last line on stderr."""
    if result.reason is Reason.COMPILE_ERROR:
        errors = [told for told in result.diagnostics if told.severity == "error"]
        return clean.line(_told(errors[0]), CHARS) if errors else ""
    if result.reason in (Reason.NONZERO_EXIT, Reason.SIGNAL):
        lines = stderr.strip().splitlines()
        return clean.line(lines[-1], CHARS) if lines else ""
    return ""


def _told(diagnostic: Diagnostic) -> str:
    """With its place, where it has one: a linker's has none, and a compiler driver's no line."""
    place = f"{diagnostic.file}:{diagnostic.line}" if diagnostic.line else diagnostic.file
    return f"{place}: {diagnostic.message}" if place else diagnostic.message
