import asyncio

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from .limits import LONGEST_QUEUE, TOO_BIG, TOO_MANY
from .outbox import line


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


class ChatProtocol(WebSocketProtocol):
    """Le WebSocket de daphne, qui sait s'arrêter de lire."""

    # Devant une trame trop grande, il raccroche avec un code, 1009, au lieu de couper sans un mot.
    failByDrop = False

    def onConnect(self, request):
        self.line = Line(self)
        token = line.set(self.line)
        try:
            return super().onConnect(request)
        finally:
            line.reset(token)

    def onOpen(self):
        super().onOpen()
        # À la place de HTTP, qui a passé la main.
        self.unregisterProducer()
        self.registerProducer(self.line, True)

    def onMessage(self, payload, isBinary):
        super().onMessage(payload, isBinary)
        if self.application_queue.qsize() == LONGEST_QUEUE:
            self.wait_for_the_consumer()

    def wait_for_the_consumer(self):
        """Ne lit plus rien tant que le consommateur a trop de trames à traiter."""
        if self.state != self.STATE_OPEN:
            return
        if self.application_queue.qsize() < LONGEST_QUEUE:
            self.transport.resumeProducing()
        else:
            self.transport.pauseProducing()
            self.factory.reactor.callLater(0.1, self.wait_for_the_consumer)

    def serverSend(self, content, binary=False):
        # Entre l'adieu et la fin de la connexion, le salon parle encore : ce serait une erreur.
        if self.state == self.STATE_OPEN:
            super().serverSend(content, binary)

    def sendCloseFrame(self, code=None, **kwargs):
        """Dit adieu ; à qui abuse, sans lire la suite, qui coûterait autant que le reste."""
        super().sendCloseFrame(code, **kwargs)
        if code in (TOO_BIG, TOO_MANY):
            self.transport.pauseProducing()
            self.data = b""


WebSocketFactory.protocol = ChatProtocol
