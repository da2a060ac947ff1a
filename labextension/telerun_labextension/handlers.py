"""The browser's API, below `<base_url>telerun/api/`. It asks Jupyter's own login; the queue's token stays on this side.

A refusal is a `Problem` {code, message, hint, path, items, status}: what the queue refused keeps its status, but its
401 and 403 become 502 (to the browser they would mean that Jupyter's login has expired), and so does no answer at all
(code `unreachable`). Code `not_configured` (409): no server is known. `JOB` is an id or a number.

    GET  status?frontend=VERSION    Status {configured, url, reachable, problem, versions, notices}; never fails
    POST start-local                starts the user's own server where none is configured -> Status; 409 where one is
    GET  version, me, limits, executors                                   the queue's own answers
    GET  jobs?state=&notebook=&tag=&name=&before=&limit=                  JobList, newest first
    POST jobs                       Submit {spec, idempotency_key} -> Job; a job's spec may be sent again as it is
    GET  jobs/JOB                   Job
    POST jobs/JOB/cancel            Job
    GET  jobs/JOB/bundle?output=true
                                    the MIME bundle of its display {application/vnd.telerun.job.v1+json, text/html,
                                    text/plain}; output=false leaves out what it printed
    GET  jobs/JOB/log?offset=0&limit=&follow=false
                                    log frames from a byte offset on (application/octet-stream), at most `limit` bytes;
                                    ?format=text&stream=stdout|stderr|compile gives text
    GET  jobs/JOB/files/PATH        a file it left, with Range and HEAD; always an attachment, usable as <img src>
    GET  blobs/SHA256               a file of its spec, with Range and HEAD
    POST submit-file {path, options}     a file or folder below Jupyter's root -> Submitted {job, notices}
    POST submit-source {source, options} a text, such as a cell's -> Submitted {job, notices}
    WS   events                     see `telerun_labextension.events`

`options` (all optional): language, name, args, flags (a list, or a string that is split like a command line), stdin
(text), env, inputs (paths below Jupyter's root), std, libraries, archs, asm, run, time ("90s"), memory ("2G"), gpus,
device, labels, tags, compiler, notebook, cell_id.
"""
