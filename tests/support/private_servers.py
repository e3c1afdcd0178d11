"""A PostgreSQL cluster and a RabbitMQ node of a test's own, to be stopped, killed and frozen.

Both live in a temporary directory on free loopback ports and are ended by process id, whatever happens. Neither server
likes to run as root: then they run as the users their packages made.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.support.servers import free_port
from tests.support.waiting import eventually

START_SECONDS_MAX = 90.0
STOPPED, ENDED = "T", "Z"
"""States of a process in its `stat`, proc(5)."""


class PrivateServer:
    """One server process group in one directory."""

    def __init__(self, directory: Path, user: str) -> None:
        self.directory = directory
        self.port = free_port()
        self._user = user if os.geteuid() == 0 else ""
        self._process: subprocess.Popen[bytes] | None = None
        if self._user:
            record = pwd.getpwnam(self._user)
            os.chown(directory, record.pw_uid, record.pw_gid)

    # -- what tests do to it

    def kill(self) -> None:
        """As a power failure does: nothing is written any more."""
        self._signal(signal.SIGKILL)
        self._wait()

    def freeze(self) -> None:
        """The connections stay open and nobody answers: the signal is only the order, and on a busy machine a thread or
        two still work a while after it."""
        self._signal(signal.SIGSTOP)
        eventually(self._stopped, describe="every thread of the server stands still")

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def clean_up(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.thaw()
            self._signal(signal.SIGKILL)
        self._wait()

    # -- for the servers

    def _as_user(self, command: Sequence[str]) -> list[str]:
        if not self._user:
            return list(command)
        return ["setpriv", f"--reuid={self._user}", f"--regid={self._user}", "--clear-groups", "--", *command]

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(  # noqa: PLW1510
            self._as_user(command), capture_output=True, text=True, timeout=START_SECONDS_MAX, cwd="/"
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")

    def _spawn(self, command: Sequence[str], env: dict[str, str]) -> None:
        with (self.directory / "output").open("ab") as output:
            self._process = subprocess.Popen(
                self._as_user(command), env=env, stdout=output, stderr=output, cwd="/", start_new_session=True
            )

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def _stopped(self) -> bool:
        return self._process is not None and _stand_still(_group_of(self._process.pid))

    def _wait(self) -> None:
        if self._process is not None:
            self._process.wait(timeout=30)
            self._process = None

    def _alive(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"the server ended: {(self.directory / 'output').read_text()[-2000:]}")
        return True


class PrivatePostgres(PrivateServer):
    """`postgresql://postgres@127.0.0.1:<port>/postgres`, trusting loopback."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, "postgres")
        self._binaries = _postgres_binaries()
        self._cluster = directory / "cluster"
        self._run(
            [f"{self._binaries}/initdb", "-D", str(self._cluster), "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        )

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        settings = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": ""}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        self._spawn([f"{self._binaries}/postgres", "-D", str(self._cluster), *options], dict(os.environ))
        eventually(self._answers, within=START_SECONDS_MAX, describe="PostgreSQL accepts connections")

    def stop(self) -> None:
        """Fast: running transactions are rolled back, everything is written."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGINT)
        self._wait()

    def kill(self) -> None:
        """Its processes too, which notice on a busy machine only later that their parent is gone: until then they keep
        its shared memory, and the next server does not start."""
        children = self._children()
        super().kill()
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        eventually(lambda: not any(_runs(pid) for pid in children), describe="the backends are gone")

    def freeze(self) -> None:
        """Its processes too: each is the leader of a group of its own."""
        super().freeze()
        self._signal_children(signal.SIGSTOP)
        eventually(lambda: _stand_still(self._children()), describe="every backend stands still")

    def thaw(self) -> None:
        self._signal_children(signal.SIGCONT)
        super().thaw()

    def _signal_children(self, number: int) -> None:
        for pid in self._children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _children(self) -> list[int]:
        return [] if self._process is None else _children_of(self._process.pid)

    def execute(self, statement: str) -> None:
        """As the cluster's owner."""
        import psycopg  # noqa: PLC0415

        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def run_tool(self, name: str, *arguments: str) -> None:
        """One of the cluster's own programs, as `pg_dump`."""
        subprocess.run([f"{self._binaries}/{name}", *arguments], check=True, capture_output=True, timeout=60)

    def _answers(self) -> bool:
        import psycopg  # noqa: PLC0415

        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2):
            return self._alive()
        return not self._alive()


class PrivateRabbit(PrivateServer):
    """`amqp://guest:guest@127.0.0.1:<port>/`, with a port mapper of its own: it never meets the machine's node."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, "rabbitmq")
        name = f"rxflow{self.port}@localhost"
        (directory / "plugins").write_text("[].\n")
        (directory / "conf").write_text(f"listeners.tcp.local = 127.0.0.1:{self.port}\n")
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "LANG": "C.UTF-8",
            "RABBITMQ_CONF_ENV_FILE": str(directory / "none"),
            "RABBITMQ_CONFIG_FILE": str(directory / "conf"),
            "RABBITMQ_NODENAME": name,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def start(self) -> None:
        self._spawn([_rabbit_binary("rabbitmq-server")], self._environment)
        eventually(self._answers, within=START_SECONDS_MAX, describe="RabbitMQ accepts connections")

    def stop(self) -> None:
        """Orderly: the node stops, queues are written."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGTERM)
        self._wait()

    def lose_process_of(self, queue: str) -> None:
        """The queue stays declared, nobody serves it: as after a log that RabbitMQ cannot read any more."""
        member = f'{{list_to_atom("%2F_{queue}"), node()}}'
        self._run_ctl("eval", f"ok = ra:stop_server(quorum_queues, {member}).")

    def _run_ctl(self, *arguments: str) -> None:
        command = [_rabbit_binary("rabbitmqctl"), "-n", self._environment["RABBITMQ_NODENAME"], *arguments]
        subprocess.run(
            self._as_user(command), env=self._environment, check=True, capture_output=True, timeout=60, cwd="/"
        )

    def clean_up(self) -> None:
        super().clean_up()
        for pid in _pids_with(f"ERL_EPMD_PORT={self._environment['ERL_EPMD_PORT']}"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # the port mapper makes itself independent of the node

    def _answers(self) -> bool:
        import amqp  # noqa: PLC0415

        self._alive()
        try:
            with amqp.Connection(f"127.0.0.1:{self.port}", connect_timeout=2) as connection:
                connection.channel()
        except (OSError, amqp.AMQPError):
            return False
        return True


S = TypeVar("S", PrivatePostgres, PrivateRabbit)


@contextmanager
def private_postgres(at: Path | None = None) -> Iterator[PrivatePostgres]:
    """A started cluster, in a directory of its own or in the empty one that is given."""
    with _directory("postgres", at) as directory, _started(PrivatePostgres(directory)) as server:
        yield server


@contextmanager
def private_rabbit(at: Path | None = None) -> Iterator[PrivateRabbit]:
    """A started node, in a directory of its own or in the empty one that is given."""
    with _directory("rabbit", at) as directory, _started(PrivateRabbit(directory)) as server:
        yield server


@contextmanager
def _started(server: S) -> Iterator[S]:
    try:
        server.start()
        yield server
    finally:
        server.clean_up()


@contextmanager
def _directory(kind: str, at: Path | None) -> Iterator[Path]:
    if at is not None:
        yield at  # who gives it clears it away
        return
    path = Path(tempfile.mkdtemp(prefix=f"rxflow-{kind}-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def missing_private_servers() -> str:
    """Which binaries a private server lacks; empty when there are all."""
    try:
        _postgres_binaries()
        _rabbit_binary("rabbitmq-server")
    except OSError as error:
        return str(error)
    return ""


def _postgres_binaries() -> str:
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    for directory in [*candidates, *([Path(found).resolve().parent] if found else [])]:
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return str(directory)
    raise OSError("initdb and postgres are not installed")


def _rabbit_binary(name: str) -> str:
    """The script itself: the wrapper on the path insists on root or the package's user and reads its settings."""
    for path in (Path("/usr/lib/rabbitmq/bin") / name, Path("/opt/rabbitmq/sbin") / name):
        if path.exists():
            return str(path)
    found = shutil.which(name)
    if found is None:
        raise OSError(f"{name} is not installed")
    return found


def _children_of(parent: int) -> list[int]:
    return _processes_where(1, parent)


def _group_of(leader: int) -> list[int]:
    return _processes_where(2, leader)


def _processes_where(position: int, value: int) -> list[int]:
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/stat")
        if (found := _stat(path)) and found[position] == str(value)
    ]


def _stat(path: Path) -> list[str]:
    """What the kernel says of a process or a thread after its name: state, parent, group; nothing when it is gone."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _runs(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    found = _stat(Path(f"/proc/{pid}/stat"))
    return bool(found) and found[0] != ENDED


def _stand_still(pids: Sequence[int]) -> bool:
    """Whether there are such processes, and none of their threads does anything more before it is told to."""
    threads = (_stat(path) for pid in pids for path in Path(f"/proc/{pid}/task").glob("*/stat"))
    return bool(pids) and all(not found or found[0] in (STOPPED, ENDED) for found in threads)


def _pids_with(setting: str) -> list[int]:
    """Processes that carry this setting in their environment: ours, because the port in it is."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if setting.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found
