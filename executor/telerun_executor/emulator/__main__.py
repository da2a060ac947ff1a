"""Translates PTX from the command line, with the standard library alone.

python -m telerun_executor.emulator translate FILE.ptx -o OUT.c [--checks memory,init,barriers,races]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from telerun_executor.emulator.build import EmulatorBuildError, check_bits
from telerun_executor.emulator.codegen import translate
from telerun_executor.emulator.ptx.errors import PtxError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m telerun_executor.emulator", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("translate", help="PTX to the C of a kernel library")
    command.add_argument("ptx", type=Path)
    command.add_argument("-o", "--output", type=Path, required=True)
    command.add_argument("--checks", default="none", help="memory,init,barriers,races, all or none (default)")
    given = parser.parse_args(arguments)
    try:
        checks = check_bits(given.checks)
        text = translate(given.ptx.read_text())
        given.output.write_text(f"#ifndef EMU_CHECKS\n#define EMU_CHECKS {checks}\n#endif\n{text}")
    except (PtxError, EmulatorBuildError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
