from __future__ import annotations

import posixpath

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telerun_protocol.codec import decode, encode, error_of, problem_of
from telerun_protocol.errors import BY_CODE, InvalidMessage, MissingBlobs, NotFound, TelerunError, TooLarge
from telerun_protocol.messages import FileRef, Job, JobSpec, Limits, Problem, Submit, check_path
from telerun_protocol.states import FINAL_STATES, Isolation, Language, State

SHA = "0" * 64


def spec(**changes: object) -> dict[str, object]:
    return {"language": "cpp", "files": [{"path": "cell.cpp", "sha256": SHA, "size_bytes": 3}], **changes}


def refused(body: object, type_: type = JobSpec) -> InvalidMessage:
    with pytest.raises(InvalidMessage) as caught:
        decode(msgspec.json.encode(body), type_)
    return caught.value


def test_a_bad_value_is_named_by_its_path() -> None:
    body = {"spec": spec(limits={"wall_time_s": "soon"}), "idempotency_key": "12345678"}
    error = refused(body, Submit)
    assert error.path == "$.spec.limits.wall_time_s"
    assert "Expected `float" in error.message


def test_no_json_is_told_as_such() -> None:
    with pytest.raises(InvalidMessage, match="not JSON"):
        decode(b"{", JobSpec)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"files": []}, "at least one file"),
        ({"language": "command", "files": []}, "needs args"),
        ({"language": "brainfuck"}, "Invalid enum value"),
        ({"main": "other.cpp"}, "not among the files"),
        ({"files": [{"path": p, "sha256": SHA, "size_bytes": 1} for p in ("a.h", "a.cpp")]}, "main must say"),
        ({"files": [{"path": "a", "sha256": SHA, "size_bytes": 1}] * 2}, "same path"),
        ({"inputs": [{"path": p, "sha256": SHA, "size_bytes": 1} for p in ("a", "a/b")]}, "a file and a folder"),
        ({"inputs": [{"path": "out", "sha256": SHA, "size_bytes": 1}]}, "no input can be called 'out'"),
        ({"args": ["a\0b"]}, "NUL"),
        ({"env": {"1BAD": "x"}}, "matching regex"),
        ({"limits": {"memory_bytes": 0}}, "`int` >= 1"),
        ({"gpus": -1}, "`int` >= 0"),
        ({"compiler": "/bin/sh"}, "matching regex"),
        ({"libraries": ["m; rm"]}, "matching regex"),
        ({"archs": ["native"]}, "matching regex"),
    ],
)
def test_specs_that_make_no_sense_are_refused(changes: dict[str, object], words: str) -> None:
    assert words in refused(spec(**changes)).message


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/.", "a\nb", "a\0", "a" * 256, "b/" * 600 + "c"]
)
def test_paths_that_could_leave_a_folder_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"must not|not a relative"):
        check_path(path)
    refused(spec(files=[{"path": path, "sha256": SHA, "size_bytes": 1}]))


@given(st.text(max_size=40))
def test_an_accepted_path_stays_inside(path: str) -> None:
    try:
        check_path(path)
    except ValueError:
        return
    assert posixpath.normpath(posixpath.join("/box", path)) == f"/box/{path}"


def test_gpus_follow_the_language() -> None:
    assert decode(msgspec.json.encode(spec(language="cu")), JobSpec).gpus_wanted == 1
    assert decode(msgspec.json.encode(spec(language="cu", gpus=0)), JobSpec).gpus_wanted == 0
    assert decode(msgspec.json.encode(spec()), JobSpec).gpus_wanted == 0


def test_unknown_keys_are_ignored_and_known_ones_survive() -> None:
    job = Job(
        id="jabc",
        number=1,
        owner="ada",
        state=State.QUEUED,
        spec=JobSpec(
            language=Language.CPP,
            files=(FileRef(path="cell.cpp", sha256=SHA, size_bytes=1),),
            limits=Limits(wall_time_s=2.5),
        ),
        created_at=1.0,
    )
    body = msgspec.json.decode(encode(job))
    body["spoken_by_a_newer_version"] = 1
    assert decode(msgspec.json.encode(body), Job) == job


def test_final_states() -> None:
    assert {state for state in State if state.is_final} == FINAL_STATES == {"succeeded", "failed", "cancelled"}


@pytest.mark.parametrize("kind", BY_CODE.values(), ids=BY_CODE)
def test_every_error_has_words_and_survives_the_wire(kind: type[TelerunError]) -> None:
    error = kind(hint="Do this.", path="$.x", items=("a", "b"))
    assert error.message.endswith(".")
    back = error_of(error.status, encode(problem_of(error)))
    assert type(back) is kind
    assert (back.message, back.hint, back.path, back.items) == (error.message, "Do this.", "$.x", ("a", "b"))
    assert "\n" not in str(back)


def test_codes_are_unique() -> None:
    """Of the protocol's own errors; those of the programs never travel."""

    def count(kind: type[TelerunError]) -> int:
        return (kind.__module__ == TelerunError.__module__) + sum(count(child) for child in kind.__subclasses__())

    assert count(TelerunError) == len(BY_CODE)


def test_an_answer_from_something_else_still_makes_an_error() -> None:
    assert type(error_of(404, b"<html>nginx</html>")) is NotFound
    assert type(error_of(413, b"")) is TooLarge
    assert "502" in error_of(502, b"Bad gateway").message
    newer = encode(Problem(code="from_the_future", message="No.", status=418))
    assert type(error_of(418, newer)) is TelerunError


def test_missing_blobs_name_them() -> None:
    error = error_of(409, encode(problem_of(MissingBlobs(items=(SHA,)))))
    assert isinstance(error, MissingBlobs)
    assert error.items == (SHA,)


def test_isolation_levels_compare_by_strength() -> None:
    assert Isolation.NONE.strength < Isolation.DEGRADED.strength < Isolation.FULL.strength
