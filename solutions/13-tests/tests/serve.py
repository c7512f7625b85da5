import os
import sys
import threading

from django.core.management import execute_from_command_line


def stop_with_parent():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=stop_with_parent, daemon=True).start()
execute_from_command_line(sys.argv)
