"""The flags that compilers get, and those they do not."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from telerun_executor.toolchains.cuda import CudaToolchain
from telerun_executor.toolchains.discovery import CudaTools, Nvcc, Tool, find_tool
from telerun_executor.toolchains.flags import check_host_flags, check_nvcc_flags
from telerun_executor.toolchains.native import NativeToolchain
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import FileRef, JobSpec
from telerun_protocol.states import Language

CHECKS = {Language.CUDA: check_nvcc_flags, Language.CPP: check_host_flags}


def spec(language: Language, *flags: str, files: tuple[str, ...] = ("main", "two.c", "inc/two.h"), **m: Any) -> JobSpec:
    refs = tuple(FileRef(path=path, sha256="0" * 64, size_bytes=0) for path in files)
    return JobSpec(language=language, files=refs, main=files[0], compile_flags=flags, **m)


def refusal(language: Language, *flags: str) -> InvalidMessage:
    with pytest.raises(InvalidMessage) as refused:
        CHECKS[language](spec(language, *flags))
    assert refused.value.path == "$.spec.compile_flags"
    return refused.value


def flags_of(text: str) -> list[str]:
    return text.split()


HOST = flags_of("""
-O -O2 -Ofast -Og -g -g3 -ggdb -gdwarf-4 -w -Wall -Wextra -Wno-unused-variable -Werror=return-type -Wfatal-errors
-pedantic -ansi -std=c++20 --std=gnu++17 -stdlib=libc++ -DN=8 -DNAME="a;b,c$d" -D_GNU_SOURCE -UNDEBUG -I. -Iinc
-Iinc/more -I/usr/include/eigen3 -L/usr/lib/x86_64-linux-gnu -Llib -lm -lpthread -l:libx.so.1 -pthread -fopenmp
-fopenmp-simd -ffast-math -fno-exceptions -fno-rtti -fPIC -fno-omit-frame-pointer -fno-strict-aliasing -funroll-loops
-funroll-all-loops -ftree-vectorize -fno-tree-vectorize -fopt-info-vec-missed -fopt-info-vec
-fsanitize=address,undefined -fno-sanitize=all -fsanitize-recover=all -fno-sanitize-recover -ftemplate-depth=2000
-fconstexpr-ops-limit=100000000 -fmax-errors=3 -flto -flto=auto -fuse-ld=gold -fvisibility=hidden -fno-builtin-printf
-fstack-protector-strong -fcf-protection=none -fanalyzer -fdiagnostics-color=always -fverbose-asm -fno-inline
-finline-limit=100 -ffp-contract=off -fno-math-errno -fpermissive -falign-functions=32 -fno-asynchronous-unwind-tables
-ftrapv -fwrapv -fcoroutines -fconcepts -fno-plt -fwhole-program -march=native -march=x86-64-v3 -mtune=native -mavx2
-mfma -mno-avx512f -m64 -msse4.2 -mcmodel=large -mprefer-vector-width=512 --param=inline-unit-growth=10 --param
max-inline-insns-single=10 -Rpass=loop-vectorize -Rpass-missed=.* --coverage -pg -p -static -static-libstdc++ -shared
-rdynamic -s -pie -no-pie -v -nostdlib -Wl,--as-needed,-z,now -Wl,--gc-sections -Wl,-rpath,$ORIGIN/lib
-Wl,--wrap=malloc -Wl,--start-group -x c two.c
""")

NVCC = flags_of("""
-O3 -O0 -g -G -lineinfo --generate-line-info -std=c++17 --std=c++20 -DN=8 -D N=8 -UX -I. -Iinc -I=inc -Iinc,inc/more
-I/usr/local/cuda/include -L/usr/lib -lcublas -lcurand -l cufft --library=m -arch=sm_90 -arch sm_80
--gpu-architecture=sm_70 -gencode=arch=compute_80,code=sm_80 -gencode arch=compute_80,code=[sm_80,compute_80]
-code=sm_80 -use_fast_math --use_fast_math -ftz=true --fmad=false -prec-div=false -maxrregcount=32 --maxrregcount 64
-rdc=true --relocatable-device-code=true -dlto -Xcompiler=-fopenmp -Xcompiler -Wall,-Wextra,-O3 --compiler-options
-march=native -Xptxas -v -Xptxas=-v,-O3,-dlcm=ca --ptxas-options=-v --expt-relaxed-constexpr --expt-extended-lambda
-extended-lambda -diag-suppress=177,550 --diag-suppress 20012 -Xcudafe=--diag_suppress=177 -Xfatbin=-compress-all
--default-stream=per-thread -default-stream per-thread -cudart=static -cudart shared -t4 --threads=2 --threads 0 -w
-Wno-deprecated-gpu-targets -res-usage --resource-usage -restrict --extra-device-vectorization -Werror=all-warnings
-Werror cross-execution-space-call -m64 -v --ftemplate-depth=1000 -dopt=on --source-in-ptx -lto
-allow-unsupported-compiler -x cu two.c
""")


@pytest.mark.parametrize(("language", "flags"), [(Language.CPP, HOST), (Language.CUDA, NVCC)])
def test_what_courses_use_passes(language: Language, flags: list[str]) -> None:
    CHECKS[language](spec(language, *flags))


def test_what_nvcc_is_to_forward_is_held_to_the_host_compilers_list() -> None:
    forward = "--forward-unknown-to-host-compiler"
    CHECKS[Language.CUDA](spec(Language.CUDA, forward, "-fopenmp", "-march=native", "-Xptxas=-v"))
    assert "-fopenmp" in refusal(Language.CUDA, "-fopenmp").message
    assert "-fplugin" in refusal(Language.CUDA, forward, "-fplugin=./x.so").message


BOTH = (Language.CPP, Language.CUDA)
REFUSED = [
    *[(language, flags, word) for language in BOTH for flags, word in (
        ("@opts", "reads further flags"),
        ("-fplugin=./evil.so", "into the compiler"),
        ("-B. ", "parts of the compiler"),
        ("-B .", "parts of the compiler"),
        ("--specs=x", "parts of the compiler"),
        ("-specs=x", "parts of the compiler"),
        ("-wrapper ./evil", "parts of the compiler"),
        ("-Xlinker --plugin=./evil.so", "hands on"),
        ("-I/etc", "outside the job's folder"),
        ("-I ../../other", "out of its folder"),
        ("-I/usr/../etc", "out of its folder"),
        ("-L/home", "outside the job's folder"),
        ("-include /etc/shadow", "outside the job's folder"),
        ("-isystem /root", "outside the job's folder"),
        ("-I", "value is missing"),
        ("-l../../x", "no value"),
        ("-o /tmp/x", "executor's own choice"),
        ("-save-temps", "executor's own choice"),
        ("-MD", "executor's own choice"),
        ("/etc/passwd", "neither a flag nor one of the job's files"),
        ("../secret.c", "neither a flag nor one of the job's files"),
        ("missing.c", "neither a flag nor one of the job's files"),
        ("-x ir", "no value"),
        ("--unheard-of", "not among"),
        ("-", "not among"),
        ("-D", "value is missing"),
        ("-M", "executor's own choice"),
    )],
    *[(Language.CPP, flags, word) for flags, word in (
        ("-fpass-plugin=./evil.so", "into the compiler"),
        ("-Xclang -load", "into the compiler"),
        ("-mllvm -load=./evil.so", "into the compiler"),
        ("-fno-plugin=x", "into the compiler"),
        ("-iplugindir=.", "into the compiler"),
        ("-fuse-ld=./evil", "parts of the compiler"),
        ("-fmodule-mapper=|./evil", "parts of the compiler"),
        ("--sysroot=/etc", "parts of the compiler"),
        ("-Wl,-plugin,./evil.so", "'-plugin'"),
        ("-Wl,--dynamic-linker=/x", "'--dynamic-linker=/x'"),
        ("-Wl,-T,script", "'-T'"),
        ("-Wl,-z,now,--script=x", "'--script=x'"),
        ("-Wl,@opts", "'@opts'"),
        ("-Wa,-I,/etc", "hands on"),
        ("-Wp,-MD,/tmp/x", "hands on"),
        ("-I=/etc", "outside the job's folder"),
        ("-I$SYSROOT/etc", "outside the job's folder"),
        ("-fprofile-use=/etc/x", "executor's own choice"),
        ("-fdump-tree-all=/tmp/x", "executor's own choice"),
        ("-fopt-info-vec=/tmp/x", "not among"),
        ("-fsanitize-blacklist=/etc/shadow", "not among"),
        ("-T script.ld", "hands on"),
    )],
    *[(Language.CUDA, flags, word) for flags, word in (
        ("-ccbin=./evil", "parts of the compiler"),
        ("--compiler-bindir .", "parts of the compiler"),
        ("--run", "runs the program"),
        ("-run", "runs the program"),
        ("--run-args=x", "runs the program"),
        ("-optf opts", "reads further flags"),
        ("--options-file=opts", "reads further flags"),
        ("-ldir=/x", "parts of the compiler"),
        ("-ldir /x", "parts of the compiler"),
        ("-lib", "executor's own choice"),
        ("-link", "executor's own choice"),
        ("-ptx", "executor's own choice"),
        ("--keep-dir=/tmp", "executor's own choice"),
        ("-Xcompiler=-fplugin=./evil.so", "'-fplugin=./evil.so'"),
        ("-Xcompiler -O2,-B.", "'-B.'"),
        ("-Xcompiler=-Wl,-plugin,x", "'-Wl'"),
        ("-Xcompiler=-include,/etc/shadow", "outside the job's folder"),
        ("-Xcompiler=two.c", "'two.c'"),
        ("--compiler-options=-O2;./evil", "shell"),
        ("-Xcompiler=-D$(./evil)", "shell"),
        ("-DX=`./evil`", "shell"),
        ("-Xptxas=--options-file=x", "'--options-file=x'"),
        ("-Xptxas -v,-o,/tmp/x", "'-o'"),
        ("-Xnvlink=-x", "hands on"),
        ("-Xarchive=x", "hands on"),
        ("-Iinc,/etc", "outside the job's folder"),
        ("--time=/tmp/x", "executor's own choice"),
        ("-dryrun", "executor's own choice"),
        ("-std=/etc/x", "no value"),
    )],
]  # fmt: skip


@pytest.mark.parametrize(("language", "flags", "word"), REFUSED)
def test_what_is_refused_is_named_with_the_reason(language: Language, flags: str, word: str) -> None:
    error = refusal(language, "-O2", *flags.split())
    assert flags.split(maxsplit=1)[0] in error.message
    assert word in error.message, error.message
    assert error.hint


def test_no_shell_of_nvcc_reads_a_definition() -> None:
    for bad in ("-DX=$(id)", "-DX=`id`", "-DX=\\", "-DX=1\n-run"):
        assert "shell" in refusal(Language.CUDA, bad).message
    CHECKS[Language.CUDA](spec(Language.CUDA, "-DX=a;b&c|d<e>", '-DNAME="x y"'))


def test_the_toolchains_ask(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    tools = CudaTools(
        nvcc=Nvcc(tool=Tool("nvcc", Path("/x/nvcc"), "13.0"), codes=frozenset({"sm_90"}), archs=frozenset()),
        host=Tool("g++", Path("/usr/bin/g++"), "12.2.0"),
    )
    for toolchain in (CudaToolchain(tools), NativeToolchain(Language.C), NativeToolchain(Language.CPP)):
        with pytest.raises(InvalidMessage, match="-fplugin"):
            toolchain.build_commands(spec(toolchain.language, "-fplugin=x"), workspace, ("sm_90",))
    with pytest.raises(InvalidMessage, match="not a compiler that nvcc can use"):
        CudaToolchain(tools).build_commands(spec(Language.CUDA, compiler="sh"), workspace, ("sm_90",))


@pytest.mark.parametrize("name", ["-fplugin=x.c", "@opts", "-o"])
@pytest.mark.parametrize("language", [Language.C, Language.CPP])
def test_a_file_is_no_flag_whatever_its_name(tmp_path: Path, language: Language, name: str) -> None:
    """By the real compiler."""
    toolchain = NativeToolchain(language)
    if toolchain.info() is None:
        pytest.skip(toolchain.missing())
    workspace = Workspace(tmp_path)
    workspace.create()
    (workspace.src / name).write_text("int main(void) { return 3; }")
    job = spec(language, files=(name,), asm=True)
    commands = (*toolchain.build_commands(job, workspace, ()), *toolchain.asm_commands(job, workspace, ()))
    for command in commands:
        done = subprocess.run(command.argv, cwd=command.cwd, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert subprocess.run([workspace.program]).returncode == 3


def test_the_real_compiler_knows_what_passes(tmp_path: Path) -> None:
    """The list holds no words that g++ does not have: of those it was asked for here, one by one."""
    tool = find_tool("g++")
    if tool is None:
        pytest.skip("no g++")
    (tmp_path / "main.cpp").write_text("int main() {}")
    clang_only = {"-stdlib=libc++", "-Rpass=loop-vectorize", "-Rpass-missed=.*"}
    known = [flag for flag in HOST if flag not in clang_only and not flag.startswith(("-l:", "-Wl,"))]
    flags = known[: known.index("--param")]
    done = subprocess.run(
        [tool.path, *flags, "-w", "-fsyntax-only", "-fno-lto", "main.cpp"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "unrecognized" not in done.stderr, shlex.join(flags) + done.stderr
