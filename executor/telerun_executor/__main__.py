"""The command `telerun-executor`, and `python -m telerun_executor`."""

import sys


def main() -> None:
    """Without the packages of its extra, one line says how to get them."""
    try:
        from telerun_executor.cli import main as command  # noqa: PLC0415

        command(prog_name="telerun-executor")
    except ModuleNotFoundError as error:
        missing = (error.name or "telerun").partition(".")[0]
        if missing.startswith("telerun"):
            raise
        sys.exit(f"telerun-executor: {missing} is not installed. Run pip install 'telerun-magic[executor]'.")


if __name__ == "__main__":
    main()
