import pytest


@pytest.mark.parametrize("path", ["/", "/chat/poneys/", "/compte/connexion/"])
def test_page_opens(client, path):
    assert client.get(path).status_code == 200


def test_name_leads_to_the_room(client):
    assert client.get("/", {"room": "Été 2016"})["Location"] == "/chat/ete-2016/"


def test_impossible_name_is_explained(client):
    page = client.get("/", {"room": "日本"}).text
    assert "Aucun salon ne peut s'appeler 日本." in page
