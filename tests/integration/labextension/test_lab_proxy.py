"""The panel's API against a real Jupyter server, queue and executor."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import psutil
import pytest
from tests_jupyter import Browser
from tests_processes import ServerProcess

from telerun_protocol.logframes import FrameDecoder

pytestmark = pytest.mark.usefixtures("telerun_executor")
HOSTILE = "a\"; filename=x.html\u202egnp.<b>'.html"


def frames(data: bytes) -> bytes:
    return b"".join(frame.payload for frame in FrameDecoder().feed(data) if frame.stream == 1)


async def test_a_source_runs_and_everything_of_it_can_be_seen(browser: Browser) -> None:
    program = '#include <cstdio>\nint main() { puts("42 <b>"); std::FILE *f = std::fopen("out/a.csv", "w"); }\n'
    options = {"name": "first", "flags": "-O1 -DX='1 2'", "tags": ["t1"], "notebook": "a.ipynb", "time": "20s"}
    sent = await browser.post("submit-source", {"source": program, "options": options})
    assert sent["job"]["spec"]["language"] == "cpp"
    assert "C++" in sent["notices"][0]
    job = await browser.ended(sent["job"]["id"])
    assert (job["state"], job["spec"]["compile_flags"]) == ("succeeded", ["-O1", "-DX=1 2"])
    assert job["spec"]["limits"]["wall_time_s"] == 20

    listed = await browser.get("jobs?tag=t1&notebook=a.ipynb&state=succeeded&limit=5")
    assert [found["id"] for found in listed["jobs"]] == [job["id"]]
    assert (await browser.get("jobs?tag=other"))["jobs"] == []
    assert (await browser.get(f"jobs/{job['number']}"))["id"] == job["id"]

    blob = await browser.ask("GET", f"blobs/{job['spec']['files'][0]['sha256']}")
    assert blob.body.decode() == program
    log = await browser.ask("GET", f"jobs/{job['id']}/log")
    assert (log.headers["Content-Type"], frames(log.body)) == ("application/octet-stream", b"42 <b>\n")
    text = await browser.ask("GET", f"jobs/{job['id']}/log?format=text&stream=stdout")
    assert (text.headers["Content-Type"], text.body) == ("text/plain; charset=utf-8", b"42 <b>\n")

    bundle = await browser.get(f"jobs/{job['id']}/bundle")
    assert sorted(bundle) == ["application/vnd.telerun.job.v1+json", "text/html", "text/plain"]
    assert bundle["application/vnd.telerun.job.v1+json"]["state"] == "succeeded"
    assert "42 &lt;b&gt;" in bundle["text/html"]
    assert "42 <b>" in bundle["text/plain"]
    assert "42" not in (await browser.get(f"jobs/{job['id']}/bundle?output=false"))["text/plain"]

    again = await browser.post("jobs", {"spec": job["spec"], "idempotency_key": "once-more-1"})
    assert again["id"] != job["id"]
    assert (await browser.ended(again["id"]))["state"] == "succeeded"


async def test_a_bundle_tells_where_the_cell_is_wrong(browser: Browser) -> None:
    job = await browser.submit("int main() {\n  return nothing;\n}\n", "cpp", notebook="n.ipynb", cell_id="c1")
    assert job["reason"] == "compile_error"
    plain = (await browser.get(f"jobs/{job['id']}/bundle"))["text/plain"]
    assert "    2 |   return nothing;" in plain  # a cell without a magic is the source
    spec = job["spec"] | {"line_offset": 1}
    below = await browser.ended((await browser.post("jobs", {"spec": spec, "idempotency_key": "below-a-magic"}))["id"])
    plain = (await browser.get(f"jobs/{below['id']}/bundle"))["text/plain"]
    assert "    3 |   return nothing;" in plain


async def test_what_was_printed_comes_as_a_cell_shows_it(browser: Browser) -> None:
    job = await browser.submit("printf 'one \\033[31mred\\033[2J\\n'; echo bad >&2; sleep 0.3; printf 'h\\303\\251'")
    whole = await browser.get(f"jobs/{job['id']}/output")
    named = {
        name: "".join(one["text"] for one in whole["streams"] if one["name"] == name) for name in ("stdout", "stderr")
    }
    assert named == {"stdout": "one \x1b[31mred\nh\xe9", "stderr": "bad\n"}
    more = await browser.get(f"jobs/{job['id']}/output?offset={whole['offset']}")
    assert more == {"streams": [], "offset": whole["offset"]}
    long = await browser.submit("seq -w 400000")
    [[note, *lines]] = [one["text"].splitlines() for one in (await browser.get(f"jobs/{long['id']}/output"))["streams"]]
    assert f"telerun_magic.job({long['number']}).stdout" in note
    assert lines[-1] == "400000"
    assert 5_000 < len(lines) < 250_000


async def test_a_bundle_shows_tables_and_assembly(browser: Browser) -> None:
    source = """#include <cstdio>
    int twice(int n) { return 2 * n; }
    int main() { std::fputs("n,twice\\n1,2\\n", std::fopen("out/table.csv", "w")); return twice(0); }
    """
    job = await browser.submit(source, "cpp", asm=True)
    assert job["state"] == "succeeded", job["result"]
    plain = (await browser.get(f"jobs/{job['id']}/bundle"))["text/html"]
    assert "table.csv: 1 rows, 2 columns" in plain
    assert "host assembly" in plain


async def test_what_the_queue_tells_about_itself(browser: Browser) -> None:
    assert (await browser.get("version"))["protocol"] == 1
    assert (await browser.get("me"))["kind"] == "user"
    assert "wall_time_s" in (await browser.get("limits"))["maxima"]
    assert len((await browser.get("executors"))["executors"]) == 1
    status = await browser.get("status")
    assert (status["configured"], status["reachable"], status["problem"]) == (True, True, None)
    assert status["versions"]["queue"] == status["versions"]["server_extension"]
    assert status["notices"] == []
    old = await browser.get("status?frontend=0.0.1")
    assert "Reload the page" in old["notices"][0]


async def test_cancel(browser: Browser) -> None:
    sent = await browser.post("submit-source", {"source": "sleep 60", "options": {"language": "sh"}})
    await browser.post(f"jobs/{sent['job']['id']}/cancel")
    assert (await browser.ended(sent["job"]["id"]))["state"] == "cancelled"


async def test_refusals_are_the_queues_own_words(browser: Browser) -> None:
    answer = await browser.ask("GET", "jobs/999999")
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    answer = await browser.ask("POST", "jobs", data=b'{"spec": {"language": "cobol"}}')
    assert (answer.status, answer.json["path"]) == (400, "$.spec.language")
    answer = await browser.ask("POST", "submit-source", json={"source": "x", "options": {"flavour": "mint"}})
    assert (answer.status, answer.json["path"]) == (400, "$.options")
    answer = await browser.ask(
        "POST", "submit-source", json={"source": "x", "options": {"language": "sh", "time": "x"}}
    )
    assert (answer.status, answer.json["code"]) == (400, "invalid")
    answer = await browser.ask(
        "POST", "submit-source", json={"source": "x", "options": {"language": "sh", "args": "'"}}
    )
    assert "quote" in answer.json["message"]
    answer = await browser.ask("GET", "jobs/1/log?offset=-1")
    assert (answer.status, answer.json["path"]) == (400, "offset")
    assert (await browser.ask("DELETE", "jobs")).status == 405
    assert (await browser.ask("GET", "elsewhere")).status == 404


# ---------------------------------------------------------------------------------------------------------------- bytes


async def test_a_log_is_followed_and_read_in_parts(browser: Browser) -> None:
    source = "for i in 1 2 3; do echo $i; sleep 0.3; done; head -c 300000 /dev/zero | tr '\\0' x"
    job = (await browser.post("submit-source", {"source": source, "options": {"language": "sh"}}))["job"]["id"]
    url = f"{browser.api}jobs/{job}/log?follow=true"
    async with browser.session.get(url, headers=browser.headers) as response:
        pieces = [block async for block in response.content.iter_any()]
    whole = b"".join(pieces)
    assert frames(whole) == b"1\n2\n3\n" + b"x" * 300_000
    assert len(pieces) > 3  # as it came, not at the end
    assert (await browser.get(f"jobs/{job}"))["state"] == "succeeded"
    for offset, limit in ((0, 10), (11, 100_000), (len(whole) - 5, 100), (len(whole), 7), (3, 0)):
        part = await browser.ask("GET", f"jobs/{job}/log?offset={offset}&limit={limit}")
        assert part.body == whole[offset : offset + limit]


async def test_files_come_in_parts_and_can_only_be_saved(browser: Browser) -> None:
    job = await browser.submit(
        f"mkdir -p out/sub\nprintf 0123456789 > out/sub/page.html\nprintf x > 'out/{_quoted(HOSTILE)}'\n"
    )
    paths = [artifact["path"] for artifact in job["result"]["artifacts"]]
    assert sorted(paths) == sorted(["sub/page.html", HOSTILE]), job["result"]
    whole = await browser.ask("GET", f"jobs/{job['id']}/files/sub/page.html")
    assert whole.body == b"0123456789"
    assert whole.headers["Content-Type"] == "application/octet-stream"  # never a page
    assert whole.headers["Content-Disposition"] == "attachment; filename*=UTF-8''page.html"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    assert whole.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    head = await browser.ask("HEAD", f"jobs/{job['id']}/files/sub/page.html")
    assert (head.headers["Content-Length"], head.headers["Accept-Ranges"], head.body) == ("10", "bytes", b"")
    part = await browser.ask("GET", f"jobs/{job['id']}/files/sub/page.html", headers={"Range": "bytes=2-4"})
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    beyond = await browser.ask("GET", f"jobs/{job['id']}/files/sub/page.html", headers={"Range": "bytes=20-"})
    assert beyond.status == 416
    hostile = await browser.ask("GET", f"jobs/{job['id']}/files/{_percent(HOSTILE)}")
    assert hostile.body == b"x"
    assert hostile.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{_percent(HOSTILE)}"


def _quoted(text: str) -> str:
    return text.replace("'", "'\\''")


def _percent(text: str) -> str:
    return quote(text, safe="")


@pytest.mark.parametrize("path", ["../log", "..%2flog", "%2e%2e/log", "a/%2e%2e/%2e%2e/log", "a%00", "%ff"])
async def test_a_files_name_reaches_nothing_else(browser: Browser, path: str) -> None:
    job = await browser.submit("echo secret-output")
    answer = await browser.ask("GET", f"jobs/{job['id']}/files/{path}")
    assert answer.status in (400, 404)
    assert b"secret-output" not in answer.body


async def test_a_slow_reader_holds_nothing_in_memory(browser: Browser) -> None:
    size = 150_000_000
    job = await browser.submit(f"mkdir -p out; head -c {size} /dev/zero > out/big")
    assert job["state"] == "succeeded", job["result"]
    process = psutil.Process(browser.jupyter.process.pid)
    before = process.memory_info().rss
    url = f"{browser.api}jobs/{job['id']}/files/big"
    async with browser.session.get(url, headers=browser.headers) as response:
        assert len(await response.content.read(10)) == 10
        await asyncio.sleep(1)
        assert process.memory_info().rss - before < 40_000_000
        received = 10
        async for block in response.content.iter_any():
            received += len(block)
    assert received == size
    assert process.memory_info().rss - before < 60_000_000


async def test_a_page_that_goes_ends_what_it_asked_for(browser: Browser, telerun_server: ServerProcess) -> None:
    job = (await browser.post("submit-source", {"source": "sleep 30", "options": {"language": "sh"}}))["job"]["id"]
    async with browser.session.get(f"{browser.api}jobs/{job}/log?follow=true", headers=browser.headers):
        assert await _followers(browser, telerun_server, 1)
    assert await _followers(browser, telerun_server, 0)
    await browser.post(f"jobs/{job}/cancel")


async def _followers(browser: Browser, server: ServerProcess, wanted: int) -> bool:
    async with asyncio.timeout(20):
        while True:
            async with browser.session.get(f"{server.url}/metrics") as response:
                line = next(line for line in (await response.text()).splitlines() if 'kind="log"' in line)
            if float(line.split()[-1]) == wanted:
                return True
            await asyncio.sleep(0.05)
