"""From a person's words to a job spec."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy
import pytest

from telerun_magic.submission import build
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.states import Check, Language


def test_a_cell() -> None:
    built = build("#include <cstdio>\nint main() {}", args=[1, 2.5], archs=["90", "8.0", "compute_90"], memory="2GB")
    assert built.spec.language is Language.CPP
    assert built.spec.main_path == "cell.cpp"
    assert built.spec.args == ("1", "2.5")
    assert built.spec.archs == ("sm_90", "sm_80", "compute_90")
    assert built.spec.limits.memory_bytes == 2_000_000_000
    assert built.contents[built.spec.files[0].sha256] == b"#include <cstdio>\nint main() {}"
    assert built.notices == ("Taken as C++ (cpp), because of #include.",)


def test_files_of_all_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.h").write_text("")
    (tmp_path / "data.bin").write_bytes(b"data")
    built = build(
        "int main() {}",
        "cpp",
        files=["lib"],
        inputs={"x.npy": numpy.arange(3), "t.txt": "text", "d.bin": Path("data.bin"), "b": b"\0"},
        stdin="in",
    )
    assert [file.path for file in built.spec.files] == ["cell.cpp", "lib/a.h"]
    assert built.spec.main == "cell.cpp"
    contents = {file.path: built.contents[file.sha256] for file in built.spec.inputs}
    assert contents["t.txt"] == b"text"
    array = contents["x.npy"]
    assert isinstance(array, bytes)
    assert numpy.load(io.BytesIO(array), allow_pickle=False).tolist() == [0, 1, 2]
    assert built.spec.stdin is not None
    outside = build("int main() {}", "cpp", inputs=["/etc/hostname"])
    assert [file.path for file in outside.spec.inputs] == ["hostname"]


def test_sources_on_disk(tmp_path: Path) -> None:
    (tmp_path / "prog.cu").write_text('// TL {"header_files": ["h.cuh", "gone.cuh", "../up.h"]}\nint main() {}')
    (tmp_path / "h.cuh").write_text("")
    built = build(tmp_path / "prog.cu")
    assert built.spec.language is Language.CUDA
    assert [file.path for file in built.spec.files] == ["prog.cu", "h.cuh"]
    assert len(built.notices) == 2
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "run.sh").chmod(0o755)
    project = build(tmp_path)
    assert project.spec.language is Language.PROJECT
    assert {file.path: file.executable for file in project.spec.files}["run.sh"] is True
    with tarfile.open(tmp_path / "p.tar", "w") as tar:
        tar.add(tmp_path / "run.sh", "run.sh")
    assert build(tmp_path / "p.tar").spec.language is Language.PROJECT
    command = build(["ls", "-l"], "command")
    assert command.spec.args == ("ls", "-l")
    assert build("echo 'a b'", "command").spec.args == ("echo", "a b")


def test_a_folder_without_what_no_job_needs(tmp_path: Path) -> None:
    for name in (".git/HEAD", "sub/.git", "sub/.ipynb_checkpoints/a", "__pycache__/a.pyc", "sub/data.bin", "keep.bin"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "run.sh").write_text("")
    sent = lambda: [file.path for file in build(tmp_path).spec.files]  # noqa: E731
    assert sent() == ["keep.bin", "run.sh", "sub/data.bin"]
    (tmp_path / ".telerunignore").write_text("# big\n*.bin\n!keep.bin\n!__pycache__/\n")
    assert sent() == ["__pycache__/a.pyc", "keep.bin", "run.sh"]
    assert [file.path for file in build("true", "sh", files=[tmp_path / "sub" / "data.bin"]).spec.files][1:] == [
        "data.bin"
    ]
    (tmp_path / ".telerunignore").write_text("*\n")
    with pytest.raises(InvalidMessage, match="no files to send"):
        build(tmp_path)


def test_a_file_of_a_project_is_no_input_too(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "run.sh").write_text("cat data/x")
    (tmp_path / "data" / "x").write_text("the project's")
    with pytest.raises(InvalidMessage, match=r"holds 'data/x', and so do the inputs"):
        build(tmp_path, inputs={"data/x": b"another"})
    assert [ref.path for ref in build(tmp_path, inputs={"data/y": b""}).spec.inputs] == ["data/y"]


def test_directives_after_options() -> None:
    built = build('// TL {"platform": "h100", "compile_flags": ["-b"]}\nint main() {}', "cu", flags=["-a", "lcublas"])
    assert built.spec.compile_flags == ("-a", "-lcublas", "-b")
    apart = build("int main() {}", "cpp", flags=["-I", "include", "lm", "-D", "N=3", "O2"])
    assert apart.spec.compile_flags == ("-I", "include", "-lm", "-D", "N=3", "-O2")
    assert built.spec.device == "h100"
    assert build('// TL {"platform": "cuda"}\n', "cu").spec.device is None
    assert build('// TL {"platform": "h100"}\n', "cu", device="a100").spec.device == "a100"


def test_one_value_where_many_may_stand() -> None:
    spec = build(
        "int main() {}", "cu", archs=90, args=5, labels="big", flags="-O3", env={"N": 4}, memory=2e9, inputs={5: "x"}
    ).spec
    assert (spec.archs, spec.args, spec.labels, spec.compile_flags) == (("sm_90",), ("5",), ("big",), ("-O3",))
    assert (spec.env, spec.limits.memory_bytes, spec.inputs[0].path) == ({"N": "4"}, 2_000_000_000, "5")
    plain = build("true", "sh", archs=[90, "8.0, 75"], checks="races,init", args=None, flags=None, limits=None).spec
    assert (plain.archs, plain.args, plain.compile_flags) == (("sm_90", "sm_80", "sm_75"), (), ())
    assert plain.checks == (Check.RACES, Check.INIT)
    assert build(["seq", 3]).spec.args == ("seq", "3")


@pytest.mark.parametrize(
    ("source", "words", "message"),
    [
        ("", {}, "nothing to run"),
        ("hello", {}, "does not show its language"),
        (Path("/nowhere/x.cu"), {}, "There is no file"),
        ("int main() {}", {"std": "c++20; rm"}, "looks like c"),
        ("int main() {}", {"labels": ["two words"]}, "A label has"),
        ("int main() {}", {"env": {"1A": "x"}}, "variable's name"),
        ("int main() {}", {"archs": ["fast"]}, "looks like sm_90"),
        ("int main() {}", {"limits": {"speed": 1}}, "no limit 'speed'"),
        ("int main() {}", {"limits": {"wall_time_s": "x"}}, "wall_time_s"),
        ("int main() {}", {"inputs": {"../x": b""}}, "cannot be called"),
        ("int main() {}", {"inputs": {"x": object()}}, "'x' is of type object"),
        ("int main() {}", {"inputs": {"x": numpy.array([object()])}}, "Python objects"),
        ("int main() {}", {"args": ["a\0b"]}, "NUL"),
        ("int main() {}", {"time": "soon"}, "not a duration"),
        ("int main() {}", {"gpus": -1}, "gpus cannot be like that"),
        ("int main() {}", {"time": float("nan")}, "not a duration"),
        ("int main() {}", {"time": 10**400}, "not a duration"),
        ("int main() {}", {"time": True}, "not a duration"),
        ("int main() {}", {"memory": "9" * 400}, "not a size"),
        ("int main() {}", {"memory": []}, "not a size"),
        ("int main() {}", {"limits": {"processes": 0}}, "The limit processes: Expected"),
        ("int main() {}", {"limits": 5}, "limits cannot be 5"),
        ("int main() {}", {"env": "A=1"}, 'Write it like {"NAME": "value"}'),
        ("int main() {}", {"std": 17}, "looks like c"),
        ("int main() {}", {"labels": 5}, "A label has"),
        ("int main() {}", {"checks": "often"}, "no check 'often'"),
        ("int main() {}", {"files": 5}, "A file cannot be of type int"),
        ("int main() {}", {"inputs": [None]}, "A file cannot be of type NoneType"),
        ("int main() {}", {"asm": "yes"}, "asm cannot be like that"),
        (5, {}, "The source cannot be of type int"),
        (b"int main() {}", {}, "The source cannot be of type bytes"),
    ],
)
def test_what_cannot_be_queued(source: Any, words: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidMessage, match=message):
        build(source, **words)
