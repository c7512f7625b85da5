import pytest


@pytest.mark.parametrize("path", ["/", "/chat/poneys/", "/compte/connexion/"])
def test_page_opens(client, path):
    assert client.get(path).status_code == 200


def test_name_leads_to_the_room(client):
    assert client.get("/", {"room": "Été 2016"})["Location"] == "/chat/ete-2016/"


def test_impossible_name_is_explained(client):
    page = client.get("/", {"room": "日本"}).text
    assert "Aucun salon ne peut s'appeler 日本." in page


def test_policy(client):
    assert "default-src 'self'" in client.get("/").headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("asked", "reached"), [("/chat/poneys/", "/chat/poneys/"), ("https://ailleurs.example/", "/")]
)
def test_sign_up(client, db, asked, reached):
    said = {"username": "ada", "password1": "trois-Poneys-9", "password2": "trois-Poneys-9"}
    assert client.post(f"/compte/inscription/?next={asked}", said)["Location"] == reached
    assert "Se déconnecter" in client.get("/").text


def test_guesses_are_braked(client, db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    said = {"username": "victime", "password": "un essai"}
    codes = [client.post("/compte/connexion/", said).status_code for _ in range(11)]
    assert codes == [200] * 10 + [429]
