import json

import pytest

from chat.models import Message


@pytest.fixture
def page(enter):
    """Donne de quoi faire entrer la page du chat : elle parle JSON."""

    async def open_page(room="poneys"):
        return await enter(room, protocols=["json"])

    return open_page


async def say(visitor, text, key=None):
    await visitor.send_json_to({"type": "message", "text": text, "key": key})
    return await visitor.receive_json_from()


async def test_page_speaks_json(page):
    ada = await page()
    assert ada.protocol == "json"
    assert json.loads(ada.welcome) == {"type": "welcome", "name": "Anonymous troll"}


async def test_numbers_follow(page):
    ada = await page()
    assert [(await say(ada, text))["number"] for text in "abc"] == [1, 2, 3]


@pytest.mark.parametrize(("kind", "number"), [("after", 0), ("before", None)])
async def test_history_is_in_order(page, kind, number):
    ada = await page()
    for text in "abc":
        await say(ada, text)
    await ada.send_json_to({"type": kind, "number": number})
    answer = await ada.receive_json_from()
    assert [message["text"] for message in answer["messages"]] == ["a", "b", "c"]
    assert answer["last"] == 3


async def test_only_what_was_missed(page):
    ada = await page()
    for text in "abc":
        await say(ada, text)
    await ada.send_json_to({"type": "after", "number": 2})
    answer = await ada.receive_json_from()
    assert [message["text"] for message in answer["messages"]] == ["c"]


async def test_each_room_has_its_own_history(page):
    ada, chloe = await page("poneys"), await page("licornes")
    await say(ada, "ici Ada")
    assert (await say(chloe, "ici Chloé"))["number"] == 1
    await chloe.send_json_to({"type": "after", "number": 0})
    answer = await chloe.receive_json_from()
    assert [message["text"] for message in answer["messages"]] == ["ici Chloé"]


async def test_a_number_is_used_once(page):
    ada = await page()
    for text in "ab":
        await say(ada, text)
    await Message.objects.filter(text="b").adelete()
    assert (await say(ada, "c"))["number"] == 3


async def test_said_again_is_kept_once(page):
    ada, blaise = await page(), await page()
    first = await say(ada, "bonjour", key="a1")
    assert await say(ada, "bonjour", key="a1") == first
    second = await say(ada, "au revoir", key="a2")
    assert [await blaise.receive_json_from() for _ in range(2)] == [first, second]
