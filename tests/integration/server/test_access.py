"""Who may do what, and what bad requests are answered."""

from __future__ import annotations

import asyncio
import json
import uuid

import aiohttp
import pytest

from telerun_protocol import routes
from telerun_protocol.client import Client
from telerun_protocol.errors import Conflict, Forbidden, InvalidMessage, NotFound, TooManyRequests, Unauthorized
from telerun_protocol.messages import ClaimRequest, HeartbeatRequest, Limits, Principal
from telerun_protocol.states import State
from telerun_server.config import Config

from .conftest import Executor, World, Worlds, executor_info, spec, submit

SHA = "0" * 64
ALL = [
    (method, routes.fill(route, job="j22222222222", sha256=SHA, path="x") if "{" in route else route)
    for method, route in [
        ("GET", routes.ME),
        ("GET", routes.LIMITS),
        ("GET", routes.BLOB),
        ("HEAD", routes.BLOB),
        ("PUT", routes.BLOB),
        ("POST", routes.JOBS),
        ("POST", routes.BATCH),
        ("GET", routes.JOBS),
        ("GET", routes.JOB),
        ("POST", routes.CANCEL),
        ("GET", routes.LOG),
        ("POST", routes.LOG),
        ("GET", routes.FILE),
        ("GET", routes.EVENTS),
        ("GET", routes.EXECUTORS),
        ("POST", routes.REGISTER),
        ("POST", routes.CLAIMS),
        ("POST", routes.HEARTBEAT),
        ("POST", routes.REPORTS),
    ]
]
FOR_EXECUTORS = {routes.REGISTER, routes.CLAIMS, routes.HEARTBEAT, routes.REPORTS}
FOR_BOTH = {routes.ME, routes.LIMITS, routes.EXECUTORS, routes.fill(routes.BLOB, sha256=SHA)}


async def ask(
    world: World, method: str, path: str, token: str | None = None, body: object = None, scheme: str = "Bearer"
) -> tuple[int, dict[str, object]]:
    headers = {} if token is None else {"Authorization": f"{scheme} {token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, world.url + path, headers=headers, data=body) as response,
    ):
        text = await response.read()
        assert response.headers["Content-Type"] == "application/json"
        return response.status, json.loads(text) if text else {}


@pytest.mark.parametrize(("method", "path"), ALL)
async def test_every_route_needs_a_token_of_the_right_kind(world: World, method: str, path: str) -> None:
    accounts = world.server.parts.accounts
    user, executor = await accounts.add("ada", "user"), await accounts.add("box", "executor")
    for token, scheme in ((None, "Bearer"), ("f" * 64, "Bearer"), (user, "Basic"), ("", "Bearer")):
        assert (await ask(world, method, path, token, scheme=scheme))[0] == 401
    is_executors = path in FOR_EXECUTORS or (method == "POST" and path.endswith("/log"))
    if path in FOR_BOTH:
        return
    status, problem = await ask(world, method, path, user if is_executors else executor)
    assert status == 403
    assert problem["code"] == "forbidden"


async def test_the_jobs_of_another_look_as_if_they_were_not_there(ada: Client, bob: Client, admin: Client) -> None:
    job = await submit(ada)
    for ref in (job.id, str(job.number), "j22222222222", "999", "9" * 30):
        with pytest.raises(NotFound):
            await bob.job(ref)
        with pytest.raises(NotFound):
            await bob.cancel(ref)
        with pytest.raises(NotFound):
            await anext(bob.log(ref))
    assert (await bob.jobs()).jobs == ()
    with pytest.raises(Forbidden):
        await bob.jobs(owner="ada")
    assert (await admin.job(job.id)).id == job.id
    assert [one.id for one in (await admin.jobs(owner="*")).jobs] == [job.id]
    assert (await admin.jobs()).jobs == ()
    assert (await admin.cancel(job.id)).state is State.CANCELLED


async def test_lists(ada: Client) -> None:
    jobs = [await submit(ada, name=f"n{i}", tags=("even",) if i % 2 == 0 else (), notebook="a.ipynb") for i in range(5)]
    await ada.cancel(jobs[0].id)
    page = await ada.jobs(limit="2")
    assert [job.number for job in page.jobs] == [5, 4]
    assert page.next_before == 4
    rest = await ada.jobs(before="4", limit="10")
    assert [job.number for job in rest.jobs] == [3, 2, 1]
    assert rest.next_before is None
    assert [job.number for job in (await ada.jobs(tag="even", state="queued")).jobs] == [5, 3]
    assert [job.number for job in (await ada.jobs(name="n3", notebook="a.ipynb")).jobs] == [4]
    assert [job.number for job in (await ada.jobs(state="cancelled,failed")).jobs] == [1]
    assert [job.queue_position for job in (await ada.jobs()).jobs] == [4, 3, 2, 1, None]
    with pytest.raises(InvalidMessage):
        await ada.jobs(state="asleep")
    with pytest.raises(InvalidMessage):
        await ada.jobs(limit="many")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", None),
        (b"\xff\xfe", None),
        (b"[]", "$"),
        (b'{"spec": 1}', "$.spec"),
        (b'{"spec": {"language": "cobol"}, "idempotency_key": "12345678"}', "$.spec.language"),
        (b'{"spec": {"language": "command", "args": ["a", 1]}, "idempotency_key": "12345678"}', "$.spec.args[1]"),
        (b'{"spec": {"language": "command"}, "idempotency_key": "12345678"}', "$.spec"),
        (b'{"spec": {"language": "command", "args": ["x"]}, "idempotency_key": "short"}', "$.idempotency_key"),
        (
            b'{"spec": {"language": "command", "args": ["x"], "limits": {"wall_time_s": 9e9}}, '
            b'"idempotency_key": "12345678"}',
            "$.spec.limits.wall_time_s",
        ),
        (
            b'{"spec": {"language": "command", "args": ["x"], "limits": {"wall_time_s": -1}}}',
            "$.spec.limits.wall_time_s",
        ),
    ],
)
async def test_a_bad_body_is_told_where(world: World, body: bytes, path: str | None) -> None:
    token = await world.server.parts.accounts.add("ada", "user")
    status, problem = await ask(world, "POST", routes.JOBS, token, body)
    assert (status, problem["code"], problem["path"]) == (400, "invalid", path)


async def test_too_much_is_refused_in_words(world: World) -> None:
    token = await world.server.parts.accounts.add("ada", "user")
    for limit, told in (
        ("memory_bytes", "256 GiB of --memory"),
        ("wall_time_s", "1 h 00 min of --time"),
        ("processes", "4096 of --limit processes=…"),
    ):
        spec = {"language": "command", "args": ["x"], "limits": {limit: 10**13}}
        body = json.dumps({"spec": spec, "idempotency_key": "12345678"}).encode()
        status, problem = await ask(world, "POST", routes.JOBS, token, body)
        assert status == 400
        assert problem["message"] == f"This server grants at most {told}."
        assert problem["path"] == f"$.spec.limits.{limit}"


async def test_too_large_a_request(make_world: Worlds) -> None:
    world = await make_world(Config(request_bytes=1000))
    token = await world.server.parts.accounts.add("ada", "user")
    status, problem = await ask(world, "POST", routes.JOBS, token, b"x" * 900_000)
    assert (status, problem["code"]) == (413, "too_large")
    assert problem["hint"]
    status, _ = await ask(world, "POST", routes.JOBS, None, b"x" * 900_000)
    assert status == 401


async def test_unknown_addresses_and_methods(world: World) -> None:
    token = await world.server.parts.accounts.add("ada", "user")
    assert (await ask(world, "GET", "/"))[1]["code"] == "not_found"
    assert (await ask(world, "POST", "/api/v1/nothing", token, b"x" * 100_000))[0] == 404
    assert (await ask(world, "GET", "/api/v1/jobs/../../etc/passwd", token))[0] == 404
    assert (await ask(world, "DELETE", routes.JOBS, token))[0] == 405
    assert (await ask(world, "GET", routes.HEALTH))[1] == {"status": "ok"}


async def test_what_the_server_tells_of_itself(world: World, ada: Client, box: Executor, admin: Client) -> None:
    assert await ada.me() == Principal(name="ada", kind="user")
    assert await box.client.me() == Principal(name="box", kind="executor")
    assert (await admin.me()).kind == "admin"
    assert (await (await world.client_with(None)).version()).protocol == 1
    limits = await ada.limits()
    assert (limits.defaults.wall_time_s, limits.maxima.wall_time_s) == (60, 3600)
    assert limits.archs == ("sm_80", "sm_90")
    await submit(ada)
    claim = await box.claim_one()
    (seen,) = (await ada.executors()).executors
    assert (seen.name, seen.online, seen.running, seen.busy) == ("box", True, (claim.job_id,), 1)
    (seen,) = (await admin.executors()).executors
    assert (seen.running, seen.busy) == ((), 1)


async def test_metrics(world: World, ada: Client) -> None:
    await submit(ada)
    url = world.url + routes.METRICS
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as response:
            text = await response.text()
        async with session.get(url, headers={"X-Forwarded-For": "10.0.0.1"}) as response:
            assert response.status == 401
    assert 'telerun_jobs{state="queued"} 1.0' in text
    assert 'telerun_http_requests_total{status="2xx"}' in text


async def test_a_rotated_token_is_soon_unknown(world: World) -> None:
    accounts = world.server.parts.accounts
    client = await world.client("ada")
    assert (await client.me()).name == "ada"
    token = await accounts.rotate("ada", executor=False)
    assert (await (await world.client_with(token)).me()).name == "ada"
    await asyncio.sleep(1.1)
    with pytest.raises(Unauthorized):
        await client.me()
    await accounts.remove("ada", executor=False)
    with pytest.raises(NotFound):
        await accounts.remove("ada", executor=False)


async def test_names_are_taken_once(world: World) -> None:
    accounts = world.server.parts.accounts
    await accounts.add("ada", "user")
    await accounts.add("ada", "executor")
    with pytest.raises(Conflict):
        await accounts.add("ada", "admin")
    for bad in ("", "a b", "-x", "a/b", "x" * 64):
        with pytest.raises(InvalidMessage):
            await accounts.add(bad, "user")


async def test_executors_must_register_and_are_kept_apart(world: World, ada: Client, box: Executor) -> None:
    stranger = Executor(box.client, executor_info())
    with pytest.raises(Conflict, match="not registered"):
        await stranger.claim()
    other = await world.executor("other")
    with pytest.raises(Forbidden):
        await other.client.claim(ClaimRequest(instance=box.info.instance, request_id=uuid.uuid4().hex))
    with pytest.raises(Conflict):
        await other.client.register(box.info)
    await submit(ada)
    claim = await box.claim_one()
    heard = await other.client.heartbeat(HeartbeatRequest(instance=other.info.instance, claim_ids=(claim.claim_id,)))
    assert heard.lost == (claim.claim_id,)
    assert (await ada.job(claim.job_id)).state is State.CLAIMED


async def test_a_user_has_only_so_many_jobs_waiting(make_world: Worlds) -> None:
    world = await make_world(Config(queued_jobs_per_user=2))
    ada, bob = await world.client("ada"), await world.client("bob")
    await submit(ada)
    await ada.submit(spec(), "the-second")
    with pytest.raises(TooManyRequests):
        await submit(ada)
    assert (await ada.submit(spec(), "the-second")).number == 2
    assert (await submit(bob)).owner == "bob"


async def test_limits_above_the_maximum_are_refused(ada: Client) -> None:
    with pytest.raises(InvalidMessage, match="at most 1 h 00 min of --time"):
        await submit(ada, limits=Limits(wall_time_s=3601))
