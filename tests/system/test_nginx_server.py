"""Le nginx des vérifications lit la configuration d'un projet, et n'en garde que les chemins."""

import re
from pathlib import Path

import pytest

from workshop.system.nginx_server import NginxServer
from workshop.system.processes import ServerError

CONFIGURATION = """
user www-data;
daemon on;
http {
    upstream chat {
        server 127.0.0.1:8000;
        server localhost:8001;  # le second
    }
    server {
        listen 80;
        listen [::]:80;
        return 301 https://$host:443$request_uri;
    }
    server {
        listen [::]:443 ssl;
        listen 443 ssl http2;
        ssl_certificate /etc/ssl/chat.pem;
        ssl_certificate_key /etc/ssl/chat.key;
        location / { proxy_pass http://chat; }
    }
}
"""


@pytest.fixture
def moved(tmp_path):
    """Donne de quoi réécrire une configuration, pour les serveurs 1111 et 2222."""
    (tmp_path / "deploy").mkdir()

    def move(text: str) -> tuple[NginxServer, str]:
        (tmp_path / "deploy/nginx.conf").write_text(text, "utf-8")
        server = NginxServer(tmp_path, [1111, 2222], (Path("/tls/cert.pem"), Path("/tls/key.pem")))
        return server, server.configuration.read_text("utf-8")

    return move


def test_ports_and_certificate_are_those_of_the_test(moved):
    server, text = moved(CONFIGURATION)
    assert re.findall(r"server \S+:(\d+);", text) == ["1111", "2222"]
    plain, secure = re.findall(r"listen 127\.0\.0\.1:(\d+)", text)
    assert secure == str(server.port) != plain
    assert f"https://$host:{server.port}$request_uri" in text
    assert "listen 127.0.0.1:" + secure + " ssl http2;" in text
    assert 'ssl_certificate "/tls/cert.pem";' in text
    assert 'ssl_certificate_key "/tls/key.pem";' in text
    assert not re.search(r"\[::\]|www-data|daemon|/etc/ssl|8000|8001", text)


def test_without_tls_it_is_refused(moved):
    with pytest.raises(ServerError, match="ne reçoit personne en TLS"):
        moved(CONFIGURATION.replace(" ssl", ""))


def test_without_configuration_it_is_refused(tmp_path):
    with pytest.raises(ServerError, match=r"n'a pas de fichier nginx\.conf"):
        NginxServer(tmp_path, [1111], (Path("a"), Path("b")))
