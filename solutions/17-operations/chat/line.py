import asyncio


class Line:
    """Une connexion, vue de sa boîte. Twisted la prévient quand sa prise est pleine, puis vidée."""

    # Le dernier paquet, et ses trames : les mêmes pour tout un salon.
    last_batch = last_frames = None

    def __init__(self, protocol):
        self.protocol, self.writable = protocol, asyncio.Event()
        self.writable.set()

    def write_now(self, batch):
        """Écrit un paquet, d'un trait ; renvoie False si la connexion n'en veut pas."""
        protocol = self.protocol
        if protocol.state != protocol.STATE_OPEN or not self.writable.is_set():
            return False
        if batch is not Line.last_batch:
            prepare = protocol.factory.prepareMessage
            frames = [prepare(text.encode()).payloadHybi for _, text in batch]
            Line.last_batch, Line.last_frames = batch, b"".join(frames)
        protocol.transport.write(Line.last_frames)
        return True

    def pauseProducing(self):
        self.writable.clear()

    def resumeProducing(self):
        self.writable.set()

    def stopProducing(self):
        self.writable.set()
