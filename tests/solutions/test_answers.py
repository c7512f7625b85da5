"""Une réponse passe toujours : cinquante messages, du plus long que le chat accepte."""

import json
import subprocess
import sys

import pytest
from websockets.sync.client import connect

from workshop.chapters.steps import all_steps
from workshop.project.files import copy_project
from workshop.project.serving import Server
from workshop.system.processes import project_environment

STEPS = [step for step in all_steps() if step.number >= 10]
MESSAGES = 50
FILL = """
from chat.models import Message, Room
Room.objects.create(name="longs", last=50)
text = "\\U0001F434" * 10_000
Message.objects.bulk_create(
    Message(room="longs", number=n, key=str(n), name="é" * 310, text=text) for n in range(1, 51)
)
"""


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.slug)
def test_the_longest_room_is_read_to_the_end(step, tmp_path):
    project = tmp_path / "live"
    copy_project(step.solution, project)
    with Server(project) as server:
        subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", FILL],
            cwd=project,
            env=project_environment(),
            check=True,
        )
        address = server.url.replace("http", "ws") + "/chat/longs/"
        with connect(
            address, origin=server.url, subprotocols=["json"], proxy=None, max_size=None
        ) as page:
            page.recv(timeout=10)
            seen = []
            while len(seen) < MESSAGES:
                page.send(json.dumps({"type": "after", "number": len(seen)}))
                answer = json.loads(page.recv(timeout=10))
                assert answer["type"] == "history"
                seen += [message["number"] for message in answer["messages"]]
    assert seen == [*range(1, MESSAGES + 1)]
