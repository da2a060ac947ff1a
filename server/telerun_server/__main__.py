"""`python -m telerun_server`."""

from telerun_server.cli import main

main(prog_name="telerun-server")
