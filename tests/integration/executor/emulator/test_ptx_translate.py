"""PTX to C on the command line, as the runtime and a person start it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import telerun_executor

PTX = """.version 9.0
.target sm_80
.address_size 64
.visible .entry _Z1kPf(.param .u64 p)
.maxntid 64, 2, 1
{
  .reg .b64 %d<3>;
  .reg .b32 %r<3>;
  ld.param.u64 %d1, [p];
  cvta.to.global.u64 %d2, %d1;
  .loc 1 3 5
  {instruction}
  ret;
}
.file 1 "/cells/cell.cu"
"""


def translate(folder: Path, instruction: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "k.ptx").write_text(PTX.replace("{instruction}", instruction))
    argv = [sys.executable, "-S", "-B", "-m", "telerun_executor.emulator", "translate", "k.ptx", "-o", "k.c", *options]
    package = Path(telerun_executor.__file__).parents[1]
    environment = {"PYTHONPATH": str(package)}  # no installed package: the standard library is all there is
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def test_a_module_becomes_a_c_file_that_says_what_it_holds(tmp_path: Path) -> None:
    done = translate(tmp_path, "st.global.u32 [%d2], 7;", "--checks", "memory,races")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = (tmp_path / "k.c").read_text()
    assert text.startswith("#ifndef EMU_CHECKS\n#define EMU_CHECKS 9\n#endif\n")
    assert ".max_threads = 128" in text
    assert '"/cells/cell.cu"' in text


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        (
            "tex.cube.v4.f32.f32 {%r1, %r1, %r1, %r1}, [%d2, {%r1, %r1, %r1}];",
            "unsupported PTX: tex.cube.v4.f32.f32: "
            "textures are of one to three dimensions, without mipmaps [kernel _Z1kPf] at /cells/cell.cu:3",
        ),
        ("st.global.u32 [%d2] 7;", "PTX line 12: expected ';', found '7'"),
    ],
)
def test_what_cannot_be_translated_is_one_line_and_an_exit_code(tmp_path: Path, instruction: str, message: str) -> None:
    done = translate(tmp_path, instruction)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{message}\n")
    assert not (tmp_path / "k.c").exists()


def test_unknown_checks_and_missing_files_are_told(tmp_path: Path) -> None:
    assert "there is no check 'spelling'" in translate(tmp_path, "", "--checks", "spelling").stderr
    done = translate(tmp_path, "", "-o", "no/such/folder/k.c")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
