"""The command `telerun-server`, and `python -m telerun_server`."""

import sys


def main() -> None:
    """Without the packages of its extra, one line says how to get them."""
    try:
        from telerun_server.cli import main as command  # noqa: PLC0415

        command(prog_name="telerun-server")
    except ModuleNotFoundError as error:
        missing = (error.name or "telerun").partition(".")[0]
        if missing.startswith("telerun"):
            raise
        sys.exit(f"telerun-server: {missing} is not installed. Run pip install 'telerun-magic[server]'.")


if __name__ == "__main__":
    main()
