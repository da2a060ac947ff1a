"""`python -m telerun_magic.cli` is `telerun`."""

from telerun_magic.cli.app import main

main()
