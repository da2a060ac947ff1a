"""The queue's events for every open tab, over one connection to the queue.

What a tab's websocket gets, as JSON texts:

    {"type": "hello"}                       subscribed: nothing is missed from here on; load the list of jobs now
    {"type": "event", "event": Event}       a job changed; Event {id, at, kind, job}, the job as it is after the change
    {"type": "unreachable", "url", "problem": Problem}     told once; it is tried again by itself
    {"type": "connected", "url"}            reachable again; what was missed follows as events, after another hello
    {"type": "unconfigured", "problem": Problem}           no server is known; noticed by itself when there is one

A tab that takes its messages too slowly is closed with 4508 and should connect again. Tabs send nothing.
"""
