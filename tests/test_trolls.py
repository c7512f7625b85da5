"""`demo --trolls` : une classe qui parle, que l'on mesure, et qui s'en va avec la commande."""

import os
import re
import statistics
import subprocess
import sys
import time
from collections import Counter

import psutil
import pytest
from websockets.sync.client import connect

from tests.browser import browser_page
from workshop import ROOT
from workshop.chapters import find_step
from workshop.demo import running_demo, talking_trolls, trolls

QUICK = 0.02


@pytest.fixture(scope="module")
def server():
    with running_demo(find_step("05")) as running, talking_trolls(running, 5, QUICK) as process:
        yield running
        assert process.poll() is None, running.log


@pytest.fixture
def heard(server):
    """Soixante messages du salon : (nom, phrase)."""
    address = server.url.replace("http", "ws") + "/chat/poneys/"
    with connect(address, origin=server.url, proxy=None) as ws:
        messages = [ws.recv(timeout=15) for _ in range(61)][1:]
    return [re.fullmatch(r"<(.+?)> (.+)", message).groups() for message in messages]


def test_each_has_its_name_and_its_say(heard):
    names, sentences = {name for name, _ in heard}, {sentence for _, sentence in heard}
    assert names <= {" ".join(trolls.full_name(rank)) for rank in range(5)}
    assert len(names) >= 3
    assert len(sentences) > 20


def test_they_answer_by_first_name(heard):
    firsts = {trolls.full_name(rank)[0] for rank in range(5)}
    answers = [(name, said) for name, said in heard if any(first in said for first in firsts)]
    assert answers
    assert not any(name.split()[0] in said for name, said in answers)


def test_no_two_have_the_same_name():
    assert len({trolls.full_name(rank) for rank in range(100)}) == 100


def test_the_talkative_say_more_than_the_shy(heard):
    spoken = Counter(name for name, _ in heard)
    talkative, shy = trolls.PACES.index(min(trolls.PACES)), trolls.PACES.index(max(trolls.PACES))
    assert spoken[" ".join(trolls.full_name(talkative))] > spoken[" ".join(trolls.full_name(shy))]


def test_nothing_is_said_twice_before_all_is_said():
    troll = trolls.Troll("Ada", "", 1)
    said = [troll.next_sentence() for _ in trolls.CLASS["sentences"]]
    assert sorted(said) == sorted(trolls.CLASS["sentences"])
    assert len(set(said)) == len(said) >= 60


def test_an_answer_is_to_the_last_who_spoke():
    troll = trolls.Troll("Ada", "", 1)
    troll.neighbour = "Grace"
    said = [troll.next_sentence() for _ in range(200)]
    assert 20 < sum("Grace" in sentence for sentence in said) < 90


@pytest.mark.parametrize("name", ["greetings", "answers", "sentences"])
def test_the_sentences_are_well_written(name):
    for sentence in trolls.CLASS[name]:
        assert re.search(r"[.!?]$", sentence), sentence
        assert not re.search(r"[\w»] [;:!?»]|« ", sentence), sentence


@pytest.mark.parametrize("number", ["0", "101", "beaucoup"])
def test_too_many_or_too_few_is_a_sentence(number):
    done = subprocess.run(
        [sys.executable, "-m", "workshop", "demo", "05", "--trolls", number],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )
    assert done.returncode == 2
    assert "La valeur donnée à --trolls ne convient pas" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL n'existe pas sous Windows")
def test_a_killed_demonstration_leaves_no_troll():
    command = [sys.executable, "-m", "workshop", "demo", "05", "--trolls", "3"]
    demo = psutil.Popen(
        [*command, "--sans-navigateur"], cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8"
    )
    try:
        assert "http" in demo.stdout.readline()
        assert "3 trolls" in demo.stdout.readline()
        children = demo.children(recursive=True)
    finally:
        demo.kill()
        demo.wait()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert len(children) == 2 and not alive


@pytest.fixture
def page(chromium, server):
    with browser_page(chromium) as page:
        page.goto(server.url)
        yield page


def number(page, selector):
    """Renvoie le nombre que montre la page, ou None."""
    shown = page.inner_text(selector).replace(",", ".")
    return float(shown) if shown[0].isdigit() else None


def test_the_page_shows_messages_a_second_and_the_delay(page):
    page.wait_for_function("document.querySelector('#delay').textContent !== '–'", timeout=15_000)
    time.sleep(5)
    before = page.evaluate("heard.length")
    assert number(page, "#rate") > 1
    assert number(page, "#rate") == pytest.approx(before / 5, rel=0.5)
    delays = page.evaluate("delays")
    assert number(page, "#delay") == pytest.approx(statistics.median(delays), abs=5)


def test_the_page_keeps_the_last_lines_only(page):
    page.evaluate("for (let i = 0; i < 1000; i++) show(messages, `ligne ${i}`)")
    assert page.locator("#messages li").count() <= 300
    page.evaluate("messages.scrollTop = 0; show(messages, 'plus tard')")
    assert page.evaluate("messages.scrollTop") < 200
