"""Files and folders of the file browser become the jobs that the command line would make of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests_jupyter import Browser, JupyterProcess
from tests_processes import ServerProcess

pytestmark = pytest.mark.usefixtures("telerun_executor")


@pytest.fixture
def root(jupyter: JupyterProcess) -> Path:
    return jupyter.root


async def submit_file(browser: Browser, path: str, **options: Any) -> dict[str, Any]:
    return await browser.ended((await browser.post("submit-file", {"path": path, "options": options}))["job"]["id"])


async def stdout(browser: Browser, job: dict[str, Any]) -> str:
    return (await browser.ask("GET", f"jobs/{job['id']}/log?format=text&stream=stdout")).body.decode()


async def test_a_file_with_its_header_input_and_arguments(browser: Browser, root: Path) -> None:
    folder = root / "course 1"
    folder.mkdir()
    (folder / "answer.h").write_text("#define ANSWER 42\n")
    (folder / "numbers.txt").write_text("seven\n")
    (folder / "main.cpp").write_text(
        '// TL+ {"header_files": ["answer.h"]}\n'
        '#include <cstdio>\n#include <fstream>\n#include <iostream>\n#include <string>\n#include "answer.h"\n'
        'int main(int n, char **a) { std::string word, in; std::ifstream("numbers.txt") >> word; std::cin >> in;\n'
        'std::printf("%d %s %s %s\\n", ANSWER, word.c_str(), a[n - 1], in.c_str()); }\n'
    )
    job = await submit_file(
        browser, "course 1/main.cpp", args="-v 'last one'", inputs=["course 1/numbers.txt"], stdin="typed"
    )
    assert job["state"] == "succeeded", job["result"]
    assert [file["path"] for file in job["spec"]["files"]] == ["main.cpp", "answer.h"]
    assert await stdout(browser, job) == "42 seven last one typed\n"


async def test_a_cells_directives_start_from_its_notebook(browser: Browser, root: Path) -> None:
    (root / "lesson").mkdir()
    (root / "lesson" / "one.ipynb").write_text("{}")
    (root / "lesson" / "data.txt").write_text("beside the notebook\n")
    source = '# TL {"workspace_files": ["data.txt"]}\ncat data.txt\n'
    job = await browser.submit(source, notebook="lesson/one.ipynb", cell_id="c")
    assert await stdout(browser, job) == "beside the notebook\n"
    assert job["spec"]["notebook"] == str(root / "lesson" / "one.ipynb")  # as magics in its kernel name it
    for elsewhere in ("../one.ipynb", "lesson/none.ipynb", "a\0b"):
        sent = await browser.post(
            "submit-source", {"source": source, "options": {"language": "sh", "notebook": elsewhere}}
        )
        assert "data.txt" in sent["notices"][0]  # it was left out


async def test_a_folder_is_a_project(browser: Browser, root: Path) -> None:
    (root / "project" / "sub").mkdir(parents=True)
    (root / "project" / "sub" / "data").write_text("from below\n")
    (root / "project" / "run.sh").write_text("cat sub/data\n")
    (root / "project" / ".git").mkdir()
    (root / "project" / ".git" / "config").write_text("password = secret\n")
    job = await submit_file(browser, "/project/", name="all of it")
    assert [file["path"] for file in job["spec"]["files"]] == ["run.sh", "sub/data"]
    assert (job["state"], job["spec"]["language"], job["spec"]["name"]) == ("succeeded", "project", "all of it")
    assert await stdout(browser, job) == "from below\n"


@pytest.mark.parametrize(
    "path",
    [
        "nowhere.cpp",
        "../outside.sh",
        "a/../../outside.sh",
        "leads-out.sh",
        ".hidden.sh",
        "folder-out/outside.sh",
        "a\0b",
        "",
    ],
)
async def test_only_what_the_file_browser_shows(browser: Browser, root: Path, path: str) -> None:
    outside = root.parent / "outside.sh"
    outside.write_text("echo outside\n")
    for name, target in (("leads-out.sh", outside), ("folder-out", root.parent)):
        if not (root / name).is_symlink():
            (root / name).symlink_to(target)
    (root / ".hidden.sh").write_text("echo hidden\n")
    for body in ({"path": path}, {"path": "fine.sh", "options": {"inputs": [path]}}):
        (root / "fine.sh").write_text("true\n")
        answer = await browser.ask("POST", "submit-file", json=body)
        assert answer.status in (400, 404), answer
        assert answer.json["message"]


async def test_what_cannot_be_run_is_said(browser: Browser, root: Path) -> None:
    (root / "notes.xyz").write_text("hello\n")
    answer = await browser.ask("POST", "submit-file", json={"path": "notes.xyz"})
    assert (answer.status, answer.json["code"]) == (400, "invalid")
    assert "notes.xyz" in answer.json["message"]
    (root / "empty").mkdir()
    answer = await browser.ask("POST", "submit-file", json={"path": "empty"})
    assert (answer.status, str(root)) == (400, str(root))


async def test_a_base_url_of_its_own_is_nothing_special(
    start_jupyter: Callable[..., JupyterProcess],
    open_browser: Callable[[JupyterProcess], Browser],
    telerun_server: ServerProcess,
) -> None:
    jupyter = start_jupyter(env=telerun_server.environment())
    assert jupyter.url.count("/") == 3
    assert (await open_browser(jupyter).submit("true"))["state"] == "succeeded"
