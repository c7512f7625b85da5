LONGEST_TEXT = 10_000

SESSION_ENDED = 4401


class Refusal(Exception):
    """Un refus et sa raison ; `wait` : dans combien de secondes réessayer, si cela peut changer."""

    def __init__(self, reason, key=None, wait=None):
        super().__init__(reason)
        self.reason, self.key, self.wait = reason, key, wait
