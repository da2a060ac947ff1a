"""The contract between Telerun's programs: states, messages, log frames, errors, routes and the reference client.

It imports nothing else of Telerun, so that the server, the executor and the notebook side can each depend on it alone.
The client lives in `telerun_protocol.client` and is not imported here: the server needs the contract without aiohttp.
"""

PROTOCOL_VERSION = 1
"""Raised when a message changes in a way an older peer cannot ignore."""
