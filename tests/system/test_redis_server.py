"""Le Redis des vérifications, vrai ou imité : il annonce, compte, meurt, et ne laisse rien."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import redis

from workshop.basics import ROOT
from workshop.system import redis_server
from workshop.system.processes import ServerError, free_port, listening
from workshop.system.redis_server import RedisServer, answers, real_redis


@pytest.fixture(params=["vrai", "imitation"])
def server(request, monkeypatch):
    if request.param == "imitation":
        monkeypatch.setattr(redis_server, "real_redis", lambda: "")
    elif not real_redis():
        pytest.skip("il n'y a ni redis-server ni valkey-server sur cette machine")
    with RedisServer() as running:
        yield running


@pytest.fixture
def client(server):
    with redis.Redis.from_url(server.url, retry=None) as one:
        yield one


def test_it_answers(server):
    assert answers(server.port)
    assert not answers(free_port())


def test_a_subscriber_who_says_nothing_hears(client):
    hearing = client.pubsub(ignore_subscribe_messages=True)
    hearing.subscribe("salon")
    hearing.get_message(timeout=1)
    time.sleep(0.1)
    client.publish("salon", "bonjour")
    heard = [hearing.get_message(timeout=1) for _ in range(2)]
    assert b"bonjour" in [one["data"] for one in heard if one]
    hearing.close()


def test_a_script_counts(client):
    script = "return tostring(redis.call('INCR', KEYS[1]) / 4)"
    assert client.eval(script, 1, "compte") == b"0.25"
    assert int(client.eval("return redis.call('TIME')", 0)[0]) == pytest.approx(time.time(), abs=5)


def test_it_comes_back_with_nothing(server, client):
    client.set("clé", "valeur")
    server.kill()
    with pytest.raises(redis.RedisError):
        client.get("clé")
    server.start()
    assert client.get("clé") is None


def test_it_listens_to_this_machine_and_leaves_nothing(server, client):
    client.set("clé", "valeur")
    family = [psutil.Process(server.process.pid)]
    family += family[0].children(recursive=True)
    listened = {one.laddr.ip for process in family for one in process.net_connections("tcp")}
    folder = Path(server.folder.name)
    assert listened == {"127.0.0.1"}
    assert [one.name for one in folder.iterdir()] == ["journal.txt"]
    server.__exit__()
    assert psutil.wait_procs(family, timeout=5)[1] == []
    assert not folder.exists()


def test_a_taken_port_is_named(server):
    with pytest.raises(ServerError, match=f"Le port {server.port} est déjà pris"):
        RedisServer(server.port).__enter__()


def test_the_command_starts_one_or_names_the_one_there_is():
    port = str(free_port())
    command = [sys.executable, "-m", "workshop", "redis", "--port", port]
    options = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, encoding="utf-8", **options) as first:
        try:
            assert "(Ctrl-C l'arrête)" in first.stdout.readline()
            second = subprocess.run(command, encoding="utf-8", **options)
            assert second.returncode == 0
            assert "servez-vous de lui" in second.stdout
        finally:
            first.send_signal(signal.SIGTERM)
        first.wait(timeout=10)
    deadline = time.monotonic() + 5
    while listening(int(port)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listening(int(port))
