"""The installation to mistreat: private servers on small disks, behind links of ours, all processes supervised."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rxflow.installation import Installation
from tests.faults.systems import Servers, System, embedded_system, supervised, with_standbys
from tests.support.link import Link, link
from tests.support.private_servers import PrivatePostgres, PrivateRabbit, private_postgres, private_rabbit

STANDBYS = ("prescribe", "dispatch")
"""Services with a second worker, so that leadership can move."""
DISK_BYTES: Mapping[str, int] = {"postgres": 3 << 30, "rabbit": 2 << 30}
POOL_SIZE = 4
FILLING = "filling"


@dataclass
class House:
    """What runs, and how to get at it. `disks`: of each server whose disk is small enough to be filled."""

    system: System
    logs: Path
    servers: Mapping[str, PrivatePostgres | PrivateRabbit] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    disks: Mapping[str, Path] = field(default_factory=dict)

    @property
    def installation(self) -> Installation:
        return self.system.installation

    def pids(self) -> dict[str, int]:
        """Of the processes of the installation that run now, by name."""
        return self.system.supervisor.pids()

    def names(self, kind: str) -> list[str]:
        """Of the processes of a kind, `api` or `worker`."""
        return sorted(name for name in self.pids() if kind in name.split("-"))

    def signal(self, pid: int, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def fill(self, kind: str) -> None:
        """Not a byte is left on this server's disk."""
        disk, taken = self.disks[kind], 0
        with (disk / FILLING).open("wb") as file:
            while left := os.statvfs(disk).f_bavail:
                piece = max(1, left // 2) * os.statvfs(disk).f_frsize  # the server goes on taking some of it meanwhile
                with contextlib.suppress(OSError):
                    os.posix_fallocate(file.fileno(), taken, piece)
                    taken += piece

    def clear(self, kind: str) -> None:
        (self.disks[kind] / FILLING).unlink(missing_ok=True)

    def revive(self, kind: str) -> None:
        """A server that did not survive is started again, as whoever runs it would do."""
        server = self.servers[kind]
        if not server.running():
            server.start()


@contextmanager
def house() -> Iterator[House]:
    """All of it, migrated and started; not yet ready. Nothing of it is left afterwards but the logs' directory."""
    with ExitStack() as stack:
        root = Path(tempfile.mkdtemp(prefix="rxflow-chaos-"))
        root.chmod(0o755)  # the servers' users pass through
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        logs = Path(tempfile.mkdtemp(prefix="rxflow-chaos-logs-"))
        disks = {kind: stack.enter_context(_disk(root / kind, size)) for kind, size in DISK_BYTES.items()}
        for kind in disks:  # what a server says is read when its disk is full
            (root / kind / "output").symlink_to(logs / f"{kind}.log")
        postgres = stack.enter_context(private_postgres(root / "postgres"))
        rabbit = stack.enter_context(private_rabbit(root / "rabbit"))
        servers = Servers(postgres, rabbit)
        servers.prepare()
        links = {
            "postgres": stack.enter_context(link(postgres.port)),
            "rabbit": stack.enter_context(link(rabbit.port)),
        }
        installation = _behind(links, servers.installation(root), logs)
        children = with_standbys(installation.separate_children(), STANDBYS)
        system = stack.enter_context(supervised(installation, children, postgres=postgres, rabbit=rabbit))
        stack.callback(_wake, system)
        mounted = {kind: root / kind for kind, is_disk in disks.items() if is_disk}
        yield House(system, logs, {"postgres": postgres, "rabbit": rabbit}, links, mounted)


@contextmanager
def small_house(directory: Path) -> Iterator[House]:
    """An embedded one in two processes, without servers: for those who want to see that a run runs."""
    with embedded_system(directory) as system, ExitStack() as stack:
        stack.callback(_wake, system)
        yield House(system, directory / "logs")


def _behind(links: Mapping[str, Link], direct: Installation, logs: Path) -> Installation:
    settings = {
        **direct.settings,
        "database_url": links["postgres"].url(direct.settings["database_url"]),
        "broker_url": links["rabbit"].url(direct.settings["broker_url"]),
        "pool_size": POOL_SIZE,
    }
    return replace(direct, settings=settings, logs=logs)


@contextmanager
def _disk(place: Path, size: int) -> Iterator[bool]:
    """A disk of this size at the place, where mounting is allowed; otherwise an ordinary directory."""
    place.mkdir()
    mounted = _succeeds("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(place))
    try:
        yield mounted
    finally:
        if mounted and not _succeeds("umount", str(place)):
            _succeeds("umount", "--lazy", str(place))


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _wake(system: System) -> None:
    """A frozen process cannot stop in order."""
    for pid in system.supervisor.pids().values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
