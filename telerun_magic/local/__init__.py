"""Telerun on the user's own machine: a server, an executor, and what keeps them together."""
