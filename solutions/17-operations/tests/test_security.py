import pytest
from django.contrib.sessions.models import Session

from chat.models import Message


@pytest.fixture
async def cookie(async_client, transactional_db, django_user_model, settings):
    """Le cookie d'Ada, connectée dans le navigateur `async_client`."""
    users = django_user_model.objects
    user = await users.acreate_user("ada", first_name="Ada", last_name="Lovelace")
    await async_client.aforce_login(user)
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={async_client.cookies[name].value}"


async def test_signed_in(enter, cookie):
    ada = await enter(cookie=cookie)
    assert ada.welcome == "Bienvenue Ada Lovelace !"
    await ada.send_to("bonjour")
    assert await ada.receive_from() == "<Ada Lovelace> bonjour"
    assert await Message.objects.filter(author__username="ada").acount() == 1


async def test_signed_out(enter, cookie, async_client):
    ada, troll = await enter(cookie=cookie), await enter()
    await async_client.post("/compte/deconnexion/")
    assert (await ada.receive_from()).startswith("Refusé : Votre session est finie.")
    assert await ada.receive_output() == {"type": "websocket.close", "code": 4401}
    await ada.send_to("encore moi")
    await ada.disconnect()
    await troll.send_to("il n'y a que moi ici")
    assert await troll.receive_from() == "<Anonymous troll> il n'y a que moi ici"


async def test_session_erased(enter, cookie, monkeypatch):
    monkeypatch.setattr("chat.consumers.SESSION_SECONDS", 0)
    ada = await enter(cookie=cookie)
    await Session.objects.all().adelete()
    await ada.send_to("encore moi")
    assert (await ada.receive_from()).startswith("Refusé : Votre session est finie.")


@pytest.mark.parametrize("elsewhere", ["http://ailleurs.example", "http://localhost:8001"])
async def test_page_from_elsewhere(knock, elsewhere):
    accepted, _ = await knock(origin=elsewhere).connect()
    assert not accepted


@pytest.mark.parametrize("frame", ["{", "[]", '{"type": "dance"}', '{"type": "message"}'])
async def test_malformed_frame(enter, frame):
    ada = await enter(protocols=["json"])
    await ada.send_to(frame)
    assert (await ada.receive_json_from())["type"] == "refused"
    await ada.send_json_to({"type": "message", "text": "toujours là"})
    assert (await ada.receive_json_from())["text"] == "toujours là"


async def test_longest_text(enter):
    ada = await enter()
    await ada.send_to("x" * 10_000)
    assert await ada.receive_from() == "<Anonymous troll> " + "x" * 10_000
    await ada.send_to("x" * 10_001)
    assert (await ada.receive_from()).startswith("Refusé : ")


async def test_huge_frame(enter):
    ada = await enter()
    await ada.send_to("x" * 100_000)
    assert await ada.receive_output() == {"type": "websocket.close", "code": 1009}


async def test_crowd(enter, knock, cookie):
    for _ in range(20):
        await enter(cookie=cookie)
    late = knock(cookie=cookie)
    await late.connect()
    assert (await late.receive_from()).startswith("Refusé : Trop de connexions.")


async def test_flood(enter):
    ada = await enter()
    for _ in range(12):
        await ada.send_to("x" * 10_000)
    answers = [await ada.receive_from() for _ in range(12)]
    assert answers[0].startswith("<Anonymous troll> ")
    assert "Refusé : Vous parlez trop vite." in answers
