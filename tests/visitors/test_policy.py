"""Ce qu'une politique refuse à sa page, en mots."""

from workshop.visitors.policy import refusal, rules

POLICY = "default-src 'none'; script-src 'self'"


def test_the_rules_of_a_policy():
    assert rules(POLICY) == {"default-src": "'none'", "script-src": "'self'"}
    assert rules("") == {}


def test_a_refusal_names_the_directive_that_asks_for_it():
    found = refusal([["connect-src", "/chat/poneys/", POLICY]])
    assert found.startswith("le navigateur refuse la connexion à /chat/poneys/ : ")
    assert "« default-src 'none' »" in found
    found = refusal([["script-src-elem", "inline", POLICY]])
    assert "un script écrit dans le HTML" in found and "« script-src 'self' »" in found


def test_the_worst_refusal_is_said_first():
    image, style = ["img-src", "/a.png", POLICY], ["style-src-elem", "/a.css", POLICY]
    unknown = ["font-src", "/a.woff", POLICY]
    assert "/a.css" in refusal([image, style]) and "/a.css" in refusal([style, unknown])
    assert "font-src /a.woff" in refusal([unknown])
