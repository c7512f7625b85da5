import json
import re

from .limits import LONGEST_TEXT, Refusal

# Ce qu'aucune base ne garde : le caractère nul, et les moitiés de caractères.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def read(text_data, is_json):
    """Renvoie ce que demande une trame, vérifié ; lève Refusal si le chat ne le connaît pas."""
    if text_data is None:
        raise Refusal("Ce chat ne lit que du texte.")
    frame = parse(text_data) if is_json else {"type": "message", "text": text_data}
    match frame:
        case {"type": "message", "text": str(text)} if is_key(frame.get("key")):
            check(text, frame.get("key"))
            return frame
        case {"type": "after" | "before", "number": int(number)} if 0 <= number < 2**31:
            return frame
        case {"type": "before", "number": None}:
            return frame
    raise Refusal("Le chat ne connaît pas cette demande.")


def parse(text_data):
    try:
        return json.loads(text_data)
    except (ValueError, RecursionError):
        raise Refusal("Cette trame n'est pas du JSON.") from None


def is_key(key):
    return key is None or (isinstance(key, str) and re.fullmatch(r"[!-~]{1,40}", key))


def check(text, key):
    """Lève Refusal si l'on ne peut pas garder ce texte."""
    if len(text) > LONGEST_TEXT:
        reason = f"Un message a {LONGEST_TEXT} caractères au plus ; celui-ci, {len(text)}."
        raise Refusal(reason, key)
    if UNSTORABLE.search(text):
        raise Refusal("Ce message contient un caractère qui ne se garde pas.", key)
