"""`telerun run`: a job that behaves like a program."""

import json
import signal
import sys


def test_streams_stay_apart_and_bytes_stay_bytes(telerun) -> None:
    telerun.write(
        "a.py", "import sys; sys.stdout.buffer.write(bytes(range(256))); sys.stderr.buffer.write(b'\\xff\\x1b[2J')"
    )
    process = telerun.start("run", "py", "a.py")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == bytes(range(256))
    assert err == b"\xff\x1b[2J"


def test_the_exit_code_is_the_programs(telerun) -> None:
    telerun.write("a.sh", 'echo "$@"; exit $1\n')
    done = telerun("run", "a.sh", "7", "--x")
    assert (done.returncode, done.stdout, done.stderr) == (7, "7 --x\n", "")
    telerun.write("b.sh", "kill -SEGV $$\n")
    done = telerun("run", "b.sh")
    assert done.returncode == 128 + signal.SIGSEGV
    assert "SIGSEGV" in done.stderr


def test_a_command_of_the_executors_machine(telerun) -> None:
    telerun.write("data.txt", "given\n")
    done = telerun("run", "--in", "data.txt", "-e", "NAME=a b", "--", "sh", "-c", 'cat data.txt; echo "$NAME"; cat')
    assert (done.returncode, done.stdout) == (0, "given\na b\n")
    assert telerun("run", "--stdin", "data.txt", "--", "cat").stdout == "given\n"
    assert telerun("run", "--stdin", "-", "--", "cat", stdin="piped\n").stdout == "piped\n"
    missing = telerun("run", "--", "no-such-program-anywhere")
    assert missing.returncode not in (0, 2)
    assert missing.stderr


def test_a_command_by_the_name_of_its_language(telerun) -> None:
    done = telerun("run", "command", "sh", "-c", 'echo "$0 $1"; exit 3', "a b", "--name")
    assert (done.returncode, done.stdout) == (3, "a b --name\n")
    assert telerun("run", "--name", "listed", "cmd", "ls").returncode == 0
    assert telerun("run", "command").returncode == 2


def test_the_source_may_come_from_standard_input(telerun) -> None:
    source = '#include <cstdio>\nint main(int, char** words) { std::printf("%s %d\\n", words[1], std::getchar()); }\n'
    done = telerun("run", "cpp", "-", "3", stdin=source)
    assert (done.returncode, done.stdout) == (0, "3 -1\n")
    telerun.write("given.txt", "A")
    assert telerun("run", "--stdin", "given.txt", "cpp", "-", "x", stdin=source).stdout == "x 65\n"
    assert telerun("run", "-", stdin="#!/bin/sh\necho told by the text\n").stdout == "told by the text\n"
    assert "nothing to run" in telerun.fails("run", "cpp", "-")
    assert "does not show its language" in telerun.fails("run", "-", stdin="to be or not to be")
    assert "both" in telerun.fails("run", "--stdin", "-", "cpp", "-", stdin=source)


def test_a_compile_error_goes_to_standard_error(telerun) -> None:
    telerun.write("a.c", "int main(void) { return nothing; }\n")
    done = telerun("run", "a.c")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing" in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("telerun: ")


def test_ctrl_c_cancels_the_job(telerun) -> None:
    process = telerun.start(
        "run", "--id-file", "id", "--", sys.executable, "-c", "print('begun', flush=True); import time; time.sleep(600)"
    )
    seen = b""
    while b"begun" not in seen:
        seen += process.stdout.read1(1000)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err
    job = json.loads(telerun.ok("status", "--json", (telerun.cwd / "id").read_text().strip()))
    assert job["state"] == "cancelled"


def test_words_that_make_no_sense(telerun) -> None:
    assert "cpp" in telerun.fails("run", "cppp", "a.cpp")
    assert "nowhere.cu" in telerun.fails("run", "cu", "nowhere.cu")
    assert telerun("run", "cu").returncode == 2
    assert telerun("run").returncode == 2
