"""Mesure la première heure en secondes : du dépôt cloné au premier « Bienvenue ».

`python tests/first_welcome.py`, avec le Python que l'on veut essayer et rien d'installé : lance
`atelier.py demo` comme le README, entre dans le chat par `client.py`, et arrête tout. Code de
sortie : 0 si la bienvenue est entendue, 1 sinon.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from atelier import PYTHON  # noqa: E402

DEADLINE = 1800
WELCOME = "Bienvenue Anonymous troll"


def main() -> int:
    started = time.monotonic()
    command = [sys.executable, str(ROOT / "atelier.py"), "demo", "05", "--sans-navigateur"]
    # Sous Windows, on n'interrompt un programme et ceux qu'il a lancés que par leur groupe.
    group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP} if os.name == "nt" else {}
    demo = subprocess.Popen(
        command, stdout=subprocess.PIPE, encoding="utf-8", errors="replace", **group
    )
    alarm = Timer(DEADLINE, demo.kill)
    alarm.start()
    try:
        line = demo.stdout.readline()
        found = re.search(r"http(://127\.0\.0\.1:\d+)/", line)
        if not found:
            print(f"La démonstration ne démarre pas : {line or 'elle ne dit rien'}")
            return 1
        client = ROOT / "solutions" / "05-consumers" / "client.py"
        heard = subprocess.run(
            [PYTHON, "-X", "utf8", str(client), f"ws{found[1]}/chat/poneys/"],
            stdout=subprocess.PIPE,
            encoding="utf-8",
            timeout=30,
        ).stdout
    finally:
        demo.send_signal(signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGTERM)
        demo.wait()
        alarm.cancel()
    print(heard, end="")
    print(f"{time.monotonic() - started:.1f} s jusqu'à la première bienvenue")
    return 0 if WELCOME in heard else 1


if __name__ == "__main__":
    sys.exit(main())
