"""Le nginx de la machine, avec la configuration d'un projet, sur des ports libres."""

import os
import re
import shutil
from pathlib import Path

from workshop.system.processes import ServerError, free_port
from workshop.system.services import Service

LISTEN = re.compile(r"\blisten\s+(?P<where>[^;]*?)(?P<port>\d+)(?P<options>(?:\s+[^;]*)?);")
# Une seconde adresse du même port, en IPv6 : celle d'IPv4 suffit.
LISTEN_IPV6 = re.compile(r"\blisten\s+\[[^;]*;")
BEHIND = re.compile(r"\b(?:127\.0\.0\.1|localhost):(\d+)")
# Ce que la commande donne déjà : nginx n'en veut pas deux.
GIVEN = re.compile(r"^\s*(?:daemon|user|error_log)\s[^;]*;", re.M)


def real_nginx(python: str = "") -> str:
    """Renvoie le chemin du nginx de la machine, ou de ce Python ; vide s'il n'y en a pas."""
    # Debian le met où seul root le cherche ; un paquet de PyPI, dans l'environnement.
    places = [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]
    places += [str(Path(python).parent)] if python else []
    return shutil.which("nginx", path=os.pathsep.join(places)) or ""


class NginxServer(Service):
    """Un nginx qui mène à des serveurs, d'après la configuration d'un projet.

    `project` est une copie : sa configuration y est réécrite, avec les ports libres de cet essai,
    les ports `servers` et le certificat `certificate`, suivi de sa clé. `python` est celui du
    projet, qui peut porter un nginx. Lève ServerError si nginx refuse la configuration, ou si elle
    ne reçoit personne en TLS.
    """

    name = "nginx"

    def __init__(
        self,
        project: Path,
        servers: list[int],
        certificate: tuple[Path, Path],
        python: str = "",
    ):
        super().__init__()
        self.project, self.program = project, real_nginx(python)
        found = sorted(project.glob("nginx.conf")) + sorted(project.glob("[!.]*/**/nginx.conf"))
        if not found:
            raise ServerError("Le projet n'a pas de fichier nginx.conf.")
        self.configuration = found[0].with_name("nginx-verification.conf")
        text = self._moved(found[0].read_text("utf-8"), servers, certificate)
        self.configuration.write_text(text, "utf-8")
        (project / "run").mkdir(exist_ok=True)

    def _moved(self, text: str, servers: list[int], certificate: tuple[Path, Path]) -> str:
        """Renvoie une configuration, avec d'autres ports et un autre certificat."""
        text = GIVEN.sub("", LISTEN_IPV6.sub("", re.sub(r"#.*", "", text)))
        listened = {found["port"]: "ssl" in found["options"] for found in LISTEN.finditer(text)}
        secure = [port for port, is_secure in listened.items() if is_secure]
        if not secure:
            raise ServerError("La configuration de nginx ne reçoit personne en TLS (listen … ssl).")
        ports = {port: str(self.port if port == secure[0] else free_port()) for port in listened}
        text = LISTEN.sub(r"listen 127.0.0.1:\g<port>\g<options>;", text)
        behind = [port for port in dict.fromkeys(BEHIND.findall(text)) if port not in listened]
        ports |= {port: str(servers[i % len(servers)]) for i, port in enumerate(behind)}
        for kind, file in zip(("", "_key"), certificate, strict=True):
            written = re.compile(rf"\bssl_certificate{kind}\s[^;]*;")
            text = written.sub(f'ssl_certificate{kind} "{file.as_posix()}";', text)
        numbers = "|".join(ports)
        return re.sub(rf"(?<=:)(?:{numbers})\b", lambda found: ports[found[0]], text)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        # Root laisse ses ouvriers être root : ils lisent un dossier qui n'est qu'à lui.
        given = "daemon off;" + (" user root;" if os.name != "nt" and os.geteuid() == 0 else "")
        where = ("-p", f"{self.project}/", "-c", str(self.configuration))
        return ["--", self.program, *where, "-e", "stderr", "-g", given]
