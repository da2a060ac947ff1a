"""`python -m telerun_executor`."""

from telerun_executor.cli import main

if __name__ == "__main__":
    main()
