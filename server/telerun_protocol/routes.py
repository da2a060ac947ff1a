"""Every path of the API, once. `{x}` is a path parameter."""

from __future__ import annotations

import re
from urllib.parse import quote

PREFIX = "/api/v1"

VERSION = f"{PREFIX}/version"
ME = f"{PREFIX}/me"
LIMITS = f"{PREFIX}/limits"
BLOB = f"{PREFIX}/blobs/{{sha256}}"
JOBS = f"{PREFIX}/jobs"
BATCH = f"{PREFIX}/jobs/batch"  # no job has this id: theirs begin with j
JOB = f"{PREFIX}/jobs/{{job}}"
CANCEL = f"{PREFIX}/jobs/{{job}}/cancel"
LOG = f"{PREFIX}/jobs/{{job}}/log"
FILE = f"{PREFIX}/jobs/{{job}}/files/{{path}}"
EVENTS = f"{PREFIX}/events"
EXECUTORS = f"{PREFIX}/executors"
REGISTER = f"{PREFIX}/executors/register"
CLAIMS = f"{PREFIX}/claims"
REPORTS = f"{PREFIX}/claims/reports"
HEARTBEAT = f"{PREFIX}/heartbeat"
HEALTH = "/healthz"
METRICS = "/metrics"

CLAIM_HEADER = "Telerun-Claim"
OFFSET_HEADER = "Telerun-Offset"
ARTIFACT_HEADER = "Telerun-Artifact-Of"  # an executor's blob upload: the job it belongs to

_PATTERNS = {"sha256": "[0-9a-f]{64}", "job": "[a-z0-9]{1,40}", "path": ".+"}


def fill(route: str, **values: str) -> str:
    """The path for these values, percent-encoded."""
    return route.format_map({key: quote(value, safe="/" if key == "path" else "") for key, value in values.items()})


def pattern(route: str) -> str:
    """The regular expression for Tornado's router, one group a parameter."""
    return re.sub(r"\{(\w+)\}", lambda match: f"({_PATTERNS[match[1]]})", route)
