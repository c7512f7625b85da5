"""Démarre des programmes d'un processus où Django est déjà chargé ; sous Linux seulement.

Usage : `python nursery.py PRISE`. Chaque demande reçue sur la prise (le dossier, l'environnement,
les arguments, et les descripteurs de l'entrée et du journal) devient un processus dupliqué, qui
fait ce que ferait guard.py. Quand l'entrée standard finit, celui-ci s'arrête. Bibliothèque standard
seulement : le Python est celui de l'apprenant.
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys

import guard

# Long à importer, le même pour tous les projets, et sans boucle ni prise que deux se partageraient.
PRELOADED = (
    "OpenSSL.SSL",
    "autobahn.websocket.protocol",
    "channels.auth",
    "channels.generic.websocket",
    "channels.routing",
    "channels.security.websocket",
    "django.contrib.admin",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.core.asgi",
    "django.core.management",
    "django.core.management.commands.runserver",
    "django.db.backends.sqlite3.base",
    "django.db.models",
    "django.template.loader",
    "django.views.debug",
    "twisted.internet.asyncioreactor",
    "twisted.internet.endpoints",
    "twisted.internet.tcp",
    "twisted.web.http",
    "zoneinfo",
)


def main(path):
    for name in PRELOADED:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.freeze()
    waker, wakened = socket.socketpair()
    waker.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(waker.fileno())
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(path)
    listening.listen()
    events = selectors.DefaultSelector()
    for source in (0, wakened, listening):
        events.register(source, selectors.EVENT_READ)
    asking = {}
    while True:
        ready = [key.fileobj for key, _ in events.select()]
        if 0 in ready:
            return
        if wakened in ready:
            wakened.recv(1024)
        if listening in ready:
            asker, _ = listening.accept()
            request, descriptors, _, _ = socket.recv_fds(asker, 1 << 20, 2)
            child = os.fork()
            if not child:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for one in (listening, asker, waker, wakened, events):
                    one.close()
                run(descriptors, **json.loads(request))
            for one in descriptors:
                os.close(one)
            asking[child] = asker
            asker.send(str(child).encode())
        for pid, status in ended():
            with contextlib.suppress(OSError):
                asking[pid].send(str(status).encode())
            asking.pop(pid).close()


def ended():
    """Donne les processus qui ont fini, et leur code."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            yield pid, os.waitstatus_to_exitcode(status)


def run(descriptors, folder, environment, arguments):
    """Devient le programme demandé ; ne revient pas."""
    status = 1
    try:
        os.setsid()
        given, log = descriptors
        for one, standard in ((given, 0), (log, 1), (log, 2)):
            os.dup2(one, standard)
        for one in descriptors:
            os.close(one)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["guard.py", *arguments]
        guard.main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1])
