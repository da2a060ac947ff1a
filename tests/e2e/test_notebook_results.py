"""What a person sees below a cell: results, failures and what hostile programs make of them."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil

PROGRAM = """\
#include <cstdio>
int main(int count, char** words) {
    for (int i = 1; i < count; i++) std::printf("%s\\n", words[i]);
}
"""


def test_output_arguments_and_input(execute, tmp_path) -> None:
    (tmp_path / "words.txt").write_text("from a file\n")
    shown, read, array = execute(
        f"%%telerun cpp --args 'one \"two words\"' --std c++17 --name arguments -- three\n{PROGRAM}",
        "%%telerun sh --stdin words.txt --in words.txt --env GREETING=hello\ncat; cat words.txt; echo $GREETING",
        "import numpy\nx = numpy.arange(3)\n"
        "get_ipython().run_cell_magic('telerun', 'py --in x', \"print(open('x.npy', 'rb').read(6))\")",
    )
    assert shown.stream() == "one\ntwo words\nthree\n"
    assert shown.error is None
    assert shown.facts["state"] == "succeeded"
    assert shown.facts["name"] == "arguments"
    assert "exit code 0" in shown.text
    is_isolated = os.geteuid() == 0 and shutil.which("bwrap") is not None
    assert ("isolation: none" in shown.text) is not is_isolated
    assert read.stream() == "from a file\nfrom a file\nhello\n"
    assert "NUMPY" in array.stream()


def test_commands_headers_and_macros(execute, tmp_path) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "mine.h").write_text("#define MINE 40\n")
    command, header = execute(
        "%%telerun command\n# a comment\nprintf '%s|' 'one word' two",
        'n = 2\nget_ipython().run_cell(r"""%%telerun cpp --header include/mine.h -D N={n} -X -Wall\n'
        '#include <cstdio>\n#include "include/mine.h"\nint main() { std::printf("%d", MINE + N); }"""\n);',
    )
    assert command.stream() == "one word|two|"
    assert header.stream() == "42"


def test_language_from_the_content(execute) -> None:
    cpp, python, unknown = execute(
        f"%%telerun\n{PROGRAM}", "%%telerun\nimport sys\nprint(sys.version_info[0])", "%%telerun\nhello"
    )
    assert cpp.stream() == "Taken as C++ (cpp), because of #include.\n"
    assert python.stream().endswith("\n3\n")
    assert unknown.error.startswith("Telerun: The text does not show its language.")


def test_compile_error_has_the_line_of_the_cell(execute) -> None:
    plain, shifted, nested = execute(
        "%%telerun cpp\n#include <cstdio>\n\nint main() {\n\tint x = y;\n}",
        "\n\n%%telerun cpp\n\nint main() { oops; }",
        "%%time\n%%telerun cpp\n\nint main() { oops; }",
    )
    assert "cell line 5:17: error:" in plain.text  # gcc counts columns with tab stops
    assert re.search(r"    5 \|         int x = y;\n +\| {17}\^", plain.text)
    assert plain.facts["reason"] == "compile_error"
    assert plain.error.count("\n") == 0
    assert "cell line 5:14: error: ‘oops’" in shifted.text
    assert "cell line 4:14: error: ‘oops’" in nested.text


def test_crash_tells_its_signal_and_keeps_the_output(execute) -> None:
    (shown,) = execute(
        "%%telerun cpp\n#include <cstdio>\n#include <csignal>\n"
        'int main() { std::puts("before"); std::fflush(stdout); std::raise(SIGSEGV); }'
    )
    assert shown.stream() == "before\n"
    assert "SIGSEGV" in shown.text
    assert "SIGSEGV" in shown.error
    assert shown.facts["reason"] == "signal"


def test_time_limit_keeps_partial_output(execute) -> None:
    (shown,) = execute(
        "%%telerun sh --time 1s\necho early; mkdir -p out; echo kept > out/kept.txt; sleep 50; echo late"
    )
    assert shown.stream() == "early\n"
    assert shown.facts["reason"] == "time_limit"
    assert "kept.txt" in shown.text


def test_exit_code_and_going_on(execute) -> None:
    failed, kept_going, unsaved = execute(
        "%%telerun sh\nexit 3",
        "%%telerun sh --keep-going --var job\nexit 4",
        "%%telerun sh --out /dev/null\ntouch out/f",
    )
    assert "exit code 3" in failed.text
    assert failed.error is not None
    assert kept_going.error is None
    assert "exit code 4" in kept_going.text
    assert "cannot be written" in unsaved.error
    assert unsaved.facts["state"] == "succeeded"


def test_many_lines_arrive_intact(execute) -> None:
    shown, check = execute(
        "%%telerun sh --var job\nseq 100000",
        "expected = ''.join(f'{n}\\n' for n in range(1, 100001)).encode()\n"
        "print(job.result().stdout == expected, len(expected), sum(1 for line in job.logs()))",
    )
    assert check.stream() == "True 588895 100000\n"
    assert shown.stream() == "".join(f"{number}\n" for number in range(1, 100_001))


def test_more_than_a_notebook_can_take_is_elided(execute) -> None:
    shown, check = execute(
        "%%telerun py --var job\nfor n in range(60_000): print(f'{n:05}', 'x' * 94)",
        "print(len(job.result().stdout))",
    )
    assert check.stream() == f"{60_000 * 101}\n"
    assert re.search(r"… \d\S* [KM]iB not shown, see telerun_magic.job\(\d+\).stdout\n", shown.stream())
    assert shown.stream().startswith("00000 xxx")
    assert shown.stream().endswith("59999 " + "x" * 94 + "\n"), "the end is always shown"
    assert len(shown.stream()) < 3_000_000


def test_bytes_that_are_no_text_arrive_intact(execute) -> None:
    program = "import sys\nsys.stdout.buffer.write(bytes(range(256)) + 'é'.encode()[:1])"
    shown, check = execute(
        f"%%telerun py --var job\n{program}",
        "print(job.result().stdout == bytes(range(256)) + b'\\xc3', job.stdout.text[-3:])",
    )
    assert check.stream().startswith("True ")
    assert "\ufffd" in shown.stream()
    assert " !\"#$%&'()*+,-./0123456789" in shown.stream()


def test_pictures_and_tables(execute) -> None:
    png = base64.b64encode(bytes.fromhex("89504e470d0a1a0a") + b"rest").decode()
    shown, files = execute(
        "%%telerun py --var job --out saved\n"
        "import base64\n"
        f"open('out/a.png', 'wb').write(base64.b64decode('{png}'))\n"
        "open('out/b.ppm', 'wb').write(b'P6 2 1 255\\n' + bytes(6))\n"
        "open('out/c.csv', 'w').write('name,value\\n' + ''.join(f'row {n},{n * n}\\n' for n in range(30)))\n"
        "open('out/d.png', 'w').write('<script>alert(1)</script>')\n",
        "print(sorted(job.files), job.files['c.csv'].text[:10], job.files['a.png'].media_type)\n"
        "print(open('saved/c.csv').readline())",
    )
    assert f"data:image/png;base64,{png}" in shown.html
    assert shown.html.count("<img ") == 2, "what only claims to be a picture is none"
    assert "c.csv: 30 rows, 2 columns, the first 20 shown" in shown.text
    assert re.search(r"row 19 +361", shown.text)
    assert "row 20" not in shown.text
    assert files.stream() == "['a.png', 'b.ppm', 'c.csv', 'd.png'] name,value image/png\nname,value\n\n"


def test_assembly_for_two_architectures(execute) -> None:
    (shown,) = execute(
        "%%telerun cu --asm --compile-only --arch 80,90\n"
        "__global__ void saxpy(float a, const float* x, float* y) {\n"
        "    int i = threadIdx.x;\n"
        "    y[i] = a * x[i] + y[i];\n"
        "}\n"
        "int main() {}"
    )
    assert shown.error is None
    for arch in ("sm_80", "sm_90"):
        assert f"SASS {arch}" in shown.text
        assert f"PTX {arch}" in shown.text
        assert re.search(rf"saxpy\(float, .* {arch}", shown.text), "the kernel's resources"
    assert "FFMA" in shown.html
    assert "   4      y[i] = a * x[i] + y[i];" in shown.html, "source with the cell's line numbers"
    assert "<details" in shown.html


def test_what_no_executor_could_run_is_refused_with_what_there_is(execute) -> None:
    _, shown = execute("%%telerun sh\ntrue", "%%telerun cu --gpus 64\nint main() {}")  # an executor is known by then
    assert "64 GPUs" in shown.error
    assert "--compile-only" in shown.error
    assert re.search(r"^  local: .*\bcu\b", shown.error, re.MULTILINE)


EMULATED = """%%telerun cu --device emulated --asm --arch 90
#include <cstdio>
__global__ void fill(int* out, int n) {
    out[threadIdx.x] = n;
}
int main() {
    int* out;
    cudaMalloc(&out, 31 * sizeof(int));
    fill<<<1, 32>>>(out, 7);
    std::printf("%s\\n", cudaGetErrorString(cudaDeviceSynchronize()));
}
"""


def test_an_emulated_run_says_that_it_is_one_and_shows_the_mistake_at_its_line(execute) -> None:
    (shown,) = execute(EMULATED)
    assert shown.error is None
    assert shown.stream() == "an illegal memory access was encountered\n"
    assert "emulated on the CPU: timings mean nothing" in shown.text
    assert "no timing here means anything" in shown.text
    assert "CPU emulation (compute_80)" in shown.text
    assert "The SASS shown was compiled, but did not run" in shown.text
    assert "SASS sm_90" in shown.text
    assert re.search(
        r"cell line 4: error: out-of-bounds write of 4 bytes.*fill\(int\*, int\).*thread \(31,0,0\)", shown.text
    )


def test_hostile_output_is_inert(execute) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)> \\033]0;title\\007\\033[31mred \u202eevil"
    shown, _ = execute(
        "%%telerun sh --bg --name '<b>bold</b>' --var job\n"
        f"printf '{hostile}\\n'; printf '{hostile}\\n' > 'out/<svg onload=alert(3)>.csv'; exit 1",
        "job.wait()",
    )
    assert shown.facts["state"] == "failed"
    for document in (shown.html, shown.text):
        assert "\x1b" not in document
        assert "\u202e" not in document
        assert "[U+202E]evil" in document
    tags = set(re.findall(r"<(\w+)", shown.html))
    assert tags <= {"div", "span", "b", "pre", "details", "summary", "table", "tr", "td", "th"}
    assert not re.search(r"<[^>]*\son\w+=", shown.html)
    assert "&lt;script&gt;" in shown.html


def test_notebook_and_cell_are_known(execute) -> None:
    _, known = execute(
        "%%telerun sh --var job\ntrue", "print(job.spec.notebook, job.line_offset)", JPY_SESSION_NAME="/home/me/a.ipynb"
    )
    assert known.stream() == "/home/me/a.ipynb 1\n"


def test_saved_bundle_is_small_and_plain(execute) -> None:
    (shown,) = execute("%%telerun sh\ntrue")
    (bundle,) = [output["data"] for output in shown.outputs if "data" in output]
    assert set(bundle) == {"text/html", "text/plain", "application/vnd.telerun.job.v1+json"}
    assert len(json.dumps(bundle)) < 2500
    assert "<script" not in bundle["text/html"]
    assert "class=" not in bundle["text/html"]
