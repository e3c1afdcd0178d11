"""The compose file starts the whole system, shows only the edge, and holds no secret."""

import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.topology import PORTS

ROOT = Path(__file__).resolve().parents[2]
SECRETS = "deploy/secrets"
ONE_SHOT = {"migrate"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def containers(compose: dict[str, Any]) -> dict[str, Any]:
    return dict(compose["services"])


def bound_files(container: dict[str, Any]) -> list[str]:
    sources = [str(volume).split(":", 1)[0] for volume in container.get("volumes", [])]
    return [source.removeprefix("./") for source in sources if source.startswith("./")]


def test_every_service_has_an_api_and_a_worker(containers: dict[str, Any]) -> None:
    expected = {f"{service}-{kind}" for service in PORTS for kind in ("api", "worker")}

    assert set(containers) == expected | {"postgres", "rabbitmq", "migrate", "edge"}
    for service in PORTS:
        for kind in ("api", "worker"):
            assert containers[f"{service}-{kind}"]["command"] == ["rxflow", "serve", service, f"--{kind}"]


def test_whatever_runs_on_is_restarted_and_checked(containers: dict[str, Any]) -> None:
    for name, container in containers.items():
        if name in ONE_SHOT:
            assert container["restart"] == "no"
        else:
            assert container["restart"] == "unless-stopped", name
            assert container["healthcheck"]["test"], name


def test_each_api_is_asked_whether_it_is_ready_on_its_own_port(containers: dict[str, Any]) -> None:
    for service, port in PORTS.items():
        assert containers[f"{service}-api"]["healthcheck"]["test"][-1] == f"http://127.0.0.1:{port}/health/ready"


def test_services_start_after_the_migrations_and_the_broker(containers: dict[str, Any]) -> None:
    assert containers["migrate"]["command"] == ["rxflow", "migrate"]
    assert containers["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    for service in PORTS:
        for kind in ("api", "worker"):
            assert containers[f"{service}-{kind}"]["depends_on"] == {
                "migrate": {"condition": "service_completed_successfully"},
                "rabbitmq": {"condition": "service_healthy"},
            }


def test_each_service_knows_its_peers(containers: dict[str, Any]) -> None:
    for service in PORTS:
        for kind in ("api", "worker"):
            peers = yaml.safe_load(containers[f"{service}-{kind}"]["environment"]["RXFLOW_PEERS"])
            assert peers == {peer: f"http://{peer}-api:{port}" for peer, port in PORTS.items()}


def test_only_the_edge_is_reachable_from_outside(compose: dict[str, Any], containers: dict[str, Any]) -> None:
    assert compose["networks"]["inside"] == {"internal": True}
    for name, container in containers.items():
        assert "inside" in container["networks"], name
        public = [port for port in container.get("ports", []) if not str(port).startswith("127.0.0.1:")]
        assert bool(public) == (name == "edge"), name


def test_our_containers_run_without_privileges(containers: dict[str, Any]) -> None:
    ours = [container for container in containers.values() if container["image"].startswith("rxflow:")]

    assert len(ours) == 2 * len(PORTS) + 1
    for container in ours:
        assert container["read_only"] is True
        assert container["cap_drop"] == ["ALL"]
        assert not container["user"].startswith(("0", "root"))


def test_images_are_pinned(containers: dict[str, Any]) -> None:
    for name, container in containers.items():
        assert re.search(r":[\w${}.:-]+$", container["image"]), name
        assert ":latest" not in container["image"], name


def test_no_file_that_is_committed_holds_a_secret(compose: dict[str, Any]) -> None:
    assert f"{SECRETS}/" in (ROOT / ".gitignore").read_text().splitlines()
    assert all(secret["file"].startswith(SECRETS) for secret in compose["secrets"].values())
    for name, container in compose["services"].items():
        for variable, value in dict(container.get("environment", {})).items():
            if re.search(r"PASS|SECRET|KEY|TOKEN", variable):
                assert str(value).startswith("/"), f"{name}: {variable} names a file"
            assert not re.search(r"://[^/{}]*:[^/{}]*@", str(value)), f"{name}: {variable} holds a password"
    committed = [ROOT / "docker-compose.yml", *(ROOT / "deploy").glob("*"), *(ROOT / "deploy" / "postgres").glob("*")]
    for path in committed:
        if path.is_file():
            assert not re.search(r"://\w+:\w+@", path.read_text(encoding="utf-8")), path.name


def test_every_file_that_is_mounted_exists(compose: dict[str, Any], containers: dict[str, Any]) -> None:
    script = (ROOT / "deploy" / "make-secrets").read_text()
    made = {f"{SECRETS}/{path}" for path in re.findall(r"secrets/([\w./-]+)", script)}
    wanted = {path for container in containers.values() for path in bound_files(container)}
    wanted |= {secret["file"] for secret in compose["secrets"].values()}
    wanted |= {container["env_file"] for container in containers.values() if "env_file" in container}

    for path in wanted:
        if path.startswith(SECRETS):
            assert path in made, f"deploy/make-secrets does not make {path}"
        else:
            assert (ROOT / path).exists(), path


def test_scripts_are_executable() -> None:
    for script in ("deploy/make-secrets", "deploy/postgres/create-databases.sh"):
        assert os.stat(ROOT / script).st_mode & stat.S_IXUSR, script


def test_each_service_and_the_keyring_get_a_database() -> None:
    script = (ROOT / "deploy" / "postgres" / "create-databases.sh").read_text()
    found = re.search(r"for service in ([a-z ]+);", script)

    assert found is not None
    assert set(found[1].split()) == {*PORTS, "keyring"}


def test_the_edge_leads_to_each_api_and_hides_what_is_internal() -> None:
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text()
    routes = dict(re.findall(r"^\s*import service (\w+) (\d+)$", caddyfile, flags=re.MULTILINE))

    assert routes == {service: str(port) for service, port in PORTS.items()}
    assert "@inside path /internal/* /development/*" in caddyfile
    assert "respond @inside 404" in caddyfile


def test_the_image_installs_only_what_is_locked() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()

    assert "--require-hashes" in dockerfile
    assert re.search(r"^USER \d+$", dockerfile, flags=re.MULTILINE)
