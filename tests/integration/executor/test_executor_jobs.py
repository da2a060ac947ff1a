"""Jobs of each language through the real server and the real executor."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from telerun_protocol.states import Isolation, Language, Phase, Reason, State

pytestmark = pytest.mark.usefixtures("telerun_executor")
SANDBOXED = os.geteuid() == 0 and shutil.which("bwrap") is not None


async def test_cpp_compiles_and_runs(user: Any) -> None:
    done = await user.run(
        Language.CPP,
        '#include <cstdio>\nint main(int c, char** v) { std::printf("%s %d\\n", v[1], c); std::fputs("e", stderr); }',
        args=("it's $HOME",),
    )
    assert done.job.state is State.SUCCEEDED
    assert done.stdout == b"it's $HOME 2\n"
    assert done.stderr == b"e"
    result = done.result
    assert result.exit_code == 0
    assert result.isolation is (Isolation.FULL if SANDBOXED else Isolation.NONE)
    assert result.toolchain.startswith("g++ ")
    assert [step.phase for step in result.steps] == [Phase.COMPILE, Phase.RUN]
    assert [phase.phase for phase in done.job.phases][:3] == [Phase.FETCH, Phase.COMPILE, Phase.RUN]
    assert result.output_bytes == len(done.stdout) + len(done.stderr)


async def test_c_standard_flags_and_libraries_reach_the_compiler(user: Any) -> None:
    source = "#include <math.h>\n#include <stdio.h>\n"
    source += 'int main(void) { volatile double x = V; printf("%.1f %ld\\n", sqrt(x), __STDC_VERSION__); return 0; }'
    done = await user.run(Language.C, source, std="c11", libraries=("m",), compile_flags=("-DV=16.0", "-O0"))
    assert done.stdout == b"4.0 201112\n"
    assert "-O0" in done.result.steps[0].argv
    assert "-O2" not in done.result.steps[0].argv


async def test_headers_beside_the_source_are_found(user: Any) -> None:
    files = {"a/main.cpp": '#include "inc/x.h"\nint main() { return X; }', "inc/x.h": "#define X 7\n"}
    done = await user.run(Language.CPP, files, main="a/main.cpp")
    assert done.result.reason is Reason.NONZERO_EXIT
    assert done.result.exit_code == 7
    assert "7" in done.result.message


async def test_a_compile_error_has_its_place(user: Any) -> None:
    done = await user.run(Language.CPP, "int main() {\n  return nothing;\n}\n")
    assert done.job.state is State.FAILED
    assert done.result.reason is Reason.COMPILE_ERROR
    assert b"nothing" in done.compile_log
    first = done.result.diagnostics[0]
    assert (first.file, first.line, first.column, first.severity) == ("main.cpp", 2, 10, "error")
    assert done.stdout == b""


async def test_a_compiler_that_is_not_there_is_said_so(user: Any) -> None:
    done = await user.run(Language.CPP, "int main() {}", compiler="clang-99")
    assert done.result.reason is Reason.BAD_SPEC
    assert "clang++-99" in done.result.message


async def test_a_crash_names_its_signal(user: Any) -> None:
    done = await user.run(Language.CPP, "int main() { volatile int* p = nullptr; return *p; }")
    result = done.result
    assert (result.reason, result.signal, result.signal_name) == (Reason.SIGNAL, 11, "SIGSEGV")
    assert "SIGSEGV: invalid memory access" in result.message
    assert result.hint


async def test_python_sees_its_arguments_inputs_stdin_and_nothing_of_ours(user: Any) -> None:
    source = """
import os, sys
print(sys.argv[1:], open("data/in.txt").read(), sys.stdin.read())
print(sorted(os.environ))
print(os.environ["MINE"], os.getcwd() == os.environ["HOME"])
import near
print(near.x)
"""
    done = await user.run(
        Language.PYTHON,
        {"main.py": source, "near.py": "x = 5\n"},
        main="main.py",
        args=("a b", "-c"),
        env={"MINE": "yes"},
        inputs={"data/in.txt": b"from input"},
        stdin=b"from stdin",
    )
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "['a b', '-c'] from input from stdin"
    names = {"CUDA_VISIBLE_DEVICES", "HOME", "LANG", "LC_CTYPE", "MINE", "PATH", "TMPDIR"}
    assert set(eval(lines[1])) <= names
    assert lines[2:] == ["yes True", "5"]


async def test_numpy_is_there_when_the_executor_has_it(user: Any) -> None:
    pytest.importorskip("numpy")
    done = await user.run(Language.PYTHON, "import numpy; print(numpy.arange(4).sum())")
    assert done.stdout == b"6\n"


async def test_shell(user: Any) -> None:
    done = await user.run(Language.SHELL, 'echo "$1"; cat; exit 3', args=("x",))
    assert done.stdout == b"x\n"
    assert done.result.exit_code == 3


async def test_command_runs_an_argv_and_its_own_files(user: Any) -> None:
    done = await user.run(Language.COMMAND, args=("echo", "a  b", "$HOME"))
    assert done.stdout == b"a  b $HOME\n"
    script = {"tool": "#!/bin/sh\necho from the tool: $1\n"}
    done = await user.run(Language.COMMAND, script, args=("./tool", "x"), executable=True)
    assert done.stdout == b"from the tool: x\n"


async def test_a_command_that_is_not_there(user: Any) -> None:
    done = await user.run(Language.COMMAND, args=("no-such-program",))
    assert done.result.exit_code == 127
    assert b"no-such-program" in done.stderr


async def test_the_table_of_resources_is_read_and_not_shown(user: Any) -> None:
    source = "__global__ void k(int* p) { *p = 1; }\nint main() { int unused; }\n"
    done = await user.run(Language.CUDA, source, archs=("sm_90",), run=False)
    assert done.result.kernels[0].registers > 0
    assert b'"unused" was declared' in done.compile_log
    assert b"ptxas" not in done.compile_log
    assert b"stack frame" not in done.compile_log
    asked = await user.run(Language.CUDA, source, archs=("sm_90",), run=False, compile_flags=("-Xptxas", "-v"))
    assert b"ptxas info    : Used " in asked.compile_log
    assert asked.result.kernels == done.result.kernels
