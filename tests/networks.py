"""Le port 8000 pour chacun : un réseau à soi, là où Linux en donne, sinon celui de la machine."""

import os
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from workshop.system.processes import listening

# L'interface locale d'un réseau neuf est éteinte. Il vit tant que son entrée est ouverte.
KEEPER = """
import fcntl, socket, struct, sys
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
with socket.socket() as one:
    fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
print("prêt", flush=True)
sys.stdin.read()
"""
LISTENING = "0A"


class MachineNetwork:
    """Le réseau de la machine."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def inside(self, command: list[str]) -> list[str]:
        """Renvoie la commande qui lance celle-ci dans ce réseau."""
        return command

    def listening(self, port: int) -> bool:
        """Renvoie True si quelqu'un écoute ce port de ce réseau."""
        return listening(port)


class OwnNetwork(MachineNetwork):
    """Un réseau neuf, où il n'y a que soi : ni la machine, ni le reste du monde."""

    def __enter__(self):
        # Qui n'est pas root n'en fait un qu'en étant le root d'un espace à lui.
        self.mapped = [] if os.geteuid() == 0 else ["--map-root-user"]
        self.keeper = subprocess.Popen(
            ["unshare", *self.mapped, "--net", sys.executable, "-c", KEEPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env=os.environ | {"PYTHONUTF8": "1"},
        )
        if self.keeper.stdout.readline() != "prêt\n":
            self.__exit__()
            raise OSError("Ce système ne donne pas de réseau à soi.")
        return self

    def __exit__(self, *_):
        self.keeper.stdin.close()
        self.keeper.wait(timeout=10)
        self.keeper.stdout.close()

    def inside(self, command: list[str]) -> list[str]:
        spaces = Path(f"/proc/{self.keeper.pid}/ns")
        mine = [f"--user={spaces}/user", "--preserve-credentials"] if self.mapped else []
        return ["nsenter", *mine, f"--net={spaces}/net", *command]

    def listening(self, port: int) -> bool:
        table = Path(f"/proc/{self.keeper.pid}/net/tcp").read_text("ascii").splitlines()[1:]
        lines = [line.split() for line in table]
        return any(line[1].endswith(f":{port:04X}") and line[3] == LISTENING for line in lines)


@cache
def own_networks() -> bool:
    """Renvoie True si ce système donne des réseaux à soi, et permet d'en faire."""
    if not shutil.which("unshare") or not shutil.which("nsenter"):
        return False
    try:
        with OwnNetwork() as network:
            return not subprocess.run(network.inside(["true"])).returncode
    except OSError:
        return False


def network() -> MachineNetwork:
    """Renvoie un réseau à soi si le système en donne, sinon celui de la machine."""
    return OwnNetwork() if own_networks() else MachineNetwork()


def script(network: MachineNetwork, program: str, path: Path) -> str:
    """Écrit un programme qui lance celui-ci dans un réseau ; renvoie son chemin."""
    path.write_text(f'#!/bin/sh\nexec {shlex.join(network.inside([program]))} "$@"\n', "utf-8")
    path.chmod(0o755)
    return str(path)
