"""What is written for which limit, and what is read of the machine, without a kernel."""

from __future__ import annotations

import pytest

from telerun_executor.runners.sandbox.cgroups import v1, v2
from telerun_executor.runners.sandbox.cgroups.base import CgroupLimits, IoLimit, check_can
from telerun_executor.runners.sandbox.cgroups.devices import rules
from telerun_executor.runners.sandbox.cgroups.find import Mount, find, parse_mounts
from telerun_protocol.errors import SandboxError

EVERYTHING = CgroupLimits(
    memory_bytes=1000,
    memory_high_bytes=900,
    swap_bytes=500,
    processes=7,
    cpus=1.5,
    io=(IoLimit(device="8:0", read_bytes_s=1, write_iops=4), IoLimit(device="8:16", write_bytes_s=2, read_iops=3)),
)


def test_v1() -> None:
    assert list(v1.settings(EVERYTHING, can_swap=True)) == [
        ("memory", "memory.limit_in_bytes", 1000),
        ("memory", "memory.memsw.limit_in_bytes", 1500),  # never below the limit of memory alone
        ("memory", "memory.soft_limit_in_bytes", 900),
        ("pids", "pids.max", 7),
        ("cpu", "cpu.cfs_period_us", 100_000),
        ("cpu", "cpu.cfs_quota_us", 150_000),
        ("blkio", "blkio.throttle.read_bps_device", "8:0 1"),
        ("blkio", "blkio.throttle.write_iops_device", "8:0 4"),
        ("blkio", "blkio.throttle.write_bps_device", "8:16 2"),
        ("blkio", "blkio.throttle.read_iops_device", "8:16 3"),
    ]


def test_v2() -> None:
    assert list(v2.settings(EVERYTHING, can_swap=True)) == [
        ("memory.max", 1000),
        ("memory.oom.group", 1),
        ("memory.high", 900),
        ("memory.swap.max", 500),
        ("pids.max", 7),
        ("cpu.max", "150000 100000"),
        ("io.max", "8:0 rbps=1 wiops=4"),
        ("io.max", "8:16 wbps=2 riops=3"),
    ]


def test_unlimited_writes_nothing() -> None:
    unlimited = CgroupLimits(swap_bytes=None)
    assert [*v1.settings(unlimited, can_swap=True), *v2.settings(unlimited, can_swap=True)] == []


def test_no_swap_where_it_is_not_counted() -> None:
    limits = CgroupLimits(memory_bytes=1000)
    assert ("memory", "memory.swappiness", 0) in v1.settings(limits, can_swap=False)
    assert list(v2.settings(limits, can_swap=False)) == [("memory.max", 1000), ("memory.oom.group", 1)]


def test_the_least_share_of_a_cpu() -> None:
    limits = CgroupLimits(cpus=0.001)
    assert ("cpu", "cpu.cfs_quota_us", 1000) in v1.settings(limits, can_swap=True)
    assert ("cpu.max", "1000 100000") in v2.settings(limits, can_swap=True)


@pytest.mark.parametrize(
    ("limits", "missing"),
    [
        (CgroupLimits(memory_bytes=1), "memory"),
        (CgroupLimits(memory_high_bytes=1), "memory"),
        (CgroupLimits(swap_bytes=1), "swap"),
        (CgroupLimits(processes=1), "pids"),
        (CgroupLimits(cpus=1), "cpu"),
        (CgroupLimits(io=(IoLimit(device="8:0"),)), "io"),
        (CgroupLimits(io_weight=1), "io.weight"),
    ],
)
def test_no_limit_is_left_out_silently(limits: CgroupLimits, missing: str) -> None:
    with pytest.raises(SandboxError, match=f": {missing}\\.$"):
        check_can(frozenset(), limits, None)
    check_can(frozenset({missing}), limits, None)


def test_devices_are_no_matter_of_course() -> None:
    with pytest.raises(SandboxError, match="devices"):
        check_can(frozenset(), CgroupLimits(), ())
    check_can(frozenset(), CgroupLimits(), None)


def test_rules_for_devices() -> None:
    lines = list(rules(((195, 0), (510, None))))
    assert lines[-2:] == ["c 195:0 rw", "c 510:* rw"]
    assert "c 1:3 rw" in lines
    assert not [line for line in lines if "m" in line or line.startswith("b")]


def test_mounts() -> None:
    text = (
        "25 1 0:23 / /sys rw - sysfs sysfs rw\n"
        "31 23 0:28 /docker/1 /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
        "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
        "41 31 0:38 / /a\\040b rw master:1 shared:2 - cgroup2 none rw,nsdelegate\n"
    )
    assert list(parse_mounts(text)) == [
        Mount("/docker/1", "/sys/fs/cgroup/cpu,cpuacct", 1, ("rw", "cpu", "cpuacct")),
        Mount("/", "/sys/fs/cgroup/systemd", 1, ("rw", "xattr", "name=systemd")),
        Mount("/", "/a b", 2, ()),
    ]


@pytest.mark.parametrize("owner", ["", "a/b", "..", ".", "a b", "x" * 65])
def test_an_owner_is_one_directory(owner: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        find(owner)
