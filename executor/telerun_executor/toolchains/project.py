"""A whole project: a folder of files or one tar archive of it, built the way it says itself.

The first of these that lies at its root decides:

- `run.sh` is run with bash; nothing is built.
- `CMakeLists.txt` is configured (Release) and built in a folder of its own; then the program `main` is run, or the only
  one that was built.
- `Makefile` is made; then `main`, `a.out`, or the only program that the folder holds is run.

Programs run in the project's root, with the job's inputs beside the project's files. `compile_flags` reach CMake and
make as CFLAGS and CXXFLAGS.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from telerun_executor.runners.base import Command
from telerun_executor.toolchains.base import Toolchain
from telerun_executor.toolchains.discovery import find_tool
from telerun_executor.toolchains.shell import SHELL
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import JobSpec, ToolchainInfo, check_path
from telerun_protocol.states import Language, StreamId

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MOST_TAR_BYTES = 4 << 30
MOST_TAR_ENTRIES = 50_000
MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
PREFERRED = ("main", "a.out")


class ProjectToolchain(Toolchain):
    language = Language.PROJECT

    def info(self) -> ToolchainInfo | None:
        tools = [str(tool) for name in (SHELL, "make", "cmake") if (tool := find_tool(name))]
        return ToolchainInfo(language=self.language, version=", ".join(tools)) if tools else None

    def missing(self) -> str:
        return "There is no bash, make or cmake here: install them, for example with `apt-get install make cmake`."

    def prepare(self, spec: JobSpec, workspace: Workspace) -> None:
        """The project is laid out in the program's folder, where it is built and run."""
        if len(spec.files) == 1 and spec.files[0].path.endswith(TAR_SUFFIXES):
            _extract(workspace.src / spec.files[0].path, workspace.build / "unpacked")
            root = _single_folder(workspace.build / "unpacked")
        else:
            root = workspace.src
        _move_beside(root, workspace.work, workspace.work)

    def build_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        root, build = workspace.work, workspace.build / "cmake"
        jobs = f"-j{len(os.sched_getaffinity(0))}"
        if (root / "run.sh").is_file():
            lines: tuple[tuple[str, ...], ...] = ()
        elif (root / "CMakeLists.txt").is_file():
            lines = (
                ("cmake", "-S", str(root), "-B", str(build), "-DCMAKE_BUILD_TYPE=Release"),
                ("cmake", "--build", str(build), jobs),
            )
        elif any((root / name).is_file() for name in MAKEFILES):
            lines = (("make", jobs),)
        else:
            raise InvalidMessage(
                "The project has no run.sh, CMakeLists.txt or Makefile at its root.",
                hint="Put one there: run.sh is run as it is, the others are built and their program is run.",
            )
        for line in lines:
            if shutil.which(line[0]) is None:
                raise InvalidMessage(f"The project needs {line[0]}, which this executor does not have.")
        flags = " ".join(spec.compile_flags)
        env = {"CFLAGS": flags, "CXXFLAGS": flags} if flags else {}
        return tuple(
            Command(argv=line, cwd=root, env=env, stdout=StreamId.COMPILE, stderr=StreamId.COMPILE) for line in lines
        )

    def run_command(self, spec: JobSpec, workspace: Workspace) -> Command:
        root, build = workspace.work, workspace.build / "cmake"
        if (root / "run.sh").is_file():
            return Command(argv=(SHELL, "run.sh", *spec.args), cwd=root)
        program = _program(build if build.is_dir() else root)
        return Command(argv=(str(program), *spec.args), cwd=root)


def _move_beside(folder: Path, target: Path, root: Path) -> None:
    """Moves what is in the folder beside what is there already: `out`, and the job's inputs."""
    for entry in folder.iterdir():
        place = target / entry.name
        if not place.exists():
            shutil.move(entry, place)
        elif entry.is_dir() and place.is_dir():
            _move_beside(entry, place, root)
        else:
            name = str(place.relative_to(root))
            raise InvalidMessage(
                f"The project brings {name!r}, and so do the job's inputs.", hint="Rename or leave out one of them."
            )


def _extract(archive: Path, folder: Path) -> None:
    """Unpacks files and folders and nothing else, so that no name can lead out of the folder."""
    try:
        with tarfile.open(archive) as tar:
            total = 0
            for count, member in enumerate(tar):
                total += member.size
                if total > MOST_TAR_BYTES or count >= MOST_TAR_ENTRIES:
                    raise InvalidMessage("The archive unpacks to more than a project may hold.")
                _extract_member(tar, member, folder)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise InvalidMessage(f"The archive {archive.name} cannot be unpacked: {error}.") from None


def _extract_member(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    name = member.name.removeprefix("./").rstrip("/")
    if name in ("", "."):
        return
    check_path(name)
    target = folder / name
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
    elif content := tar.extractfile(member) if member.isreg() else None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with content, target.open("wb") as file:
            shutil.copyfileobj(content, file)
        target.chmod(0o755 if member.mode & 0o100 else 0o644)
    else:
        raise InvalidMessage(
            f"The archive holds {name!r}, which is neither a file nor a folder.",
            hint="Links and devices are not taken; `tar --dereference` puts the linked files in.",
        )


def _single_folder(folder: Path) -> Path:
    """The folder inside an archive of one folder, as `tar c project` makes it."""
    folder.mkdir(exist_ok=True)
    entries = list(folder.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() and not entries[0].is_symlink() else folder


def _program(folder: Path) -> Path:
    found = list(_programs(folder))
    for name in PREFERRED:
        for program in found:
            if program.name == name:
                return program
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(program.name for program in found)[:10]) or "none"
    raise InvalidMessage(
        f"It is not clear which program of the project to run (built: {names}).",
        hint="Call it main, or add a run.sh that starts it.",
    )


def _programs(folder: Path) -> Iterator[Path]:
    """The executable binaries of a built project; what CMake makes for its own tests is none."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("CMakeFiles", ".git", "out")]
        for name in files:
            path = Path(parent, name)
            if ".so" not in path.suffixes and path.is_file() and not path.is_symlink() and os.access(path, os.X_OK):
                with path.open("rb") as file:
                    if file.read(4) == b"\x7fELF":
                        yield path
