import pytest


async def test_welcome(enter):
    ada = await enter()
    assert ada.welcome == "Bienvenue Anonymous troll !"


async def test_everyone_hears_once(enter):
    ada, blaise = await enter(), await enter()
    await ada.send_to("bonjour")
    await ada.send_to("au revoir")
    for visitor in ada, blaise:
        assert await visitor.receive_from() == "<Anonymous troll> bonjour"
        assert await visitor.receive_from() == "<Anonymous troll> au revoir"


async def test_another_room_hears_nothing(enter):
    ada, chloe = await enter("poneys"), await enter("licornes")
    await ada.send_to("bonjour")
    await ada.receive_from()
    await chloe.send_to("il n'y a que moi ici")
    assert await chloe.receive_from() == "<Anonymous troll> il n'y a que moi ici"


@pytest.mark.parametrize("room", ["été", "a b", "x" * 91])
async def test_not_a_room(knock, room):
    accepted, _ = await knock(room).connect()
    assert not accepted
