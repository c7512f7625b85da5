import asyncio

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from .limits import LONGEST_QUEUE, TOO_BIG, TOO_MANY
from .outbox import writable


class Line:
    """Ce que Twisted prévient quand une prise est pleine, puis quand elle s'est vidée."""

    def __init__(self):
        self.writable = asyncio.Event()
        self.writable.set()

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
    # Le dernier texte envoyé, et sa trame : celle de tout un salon.
    last_text = last_frame = None

    def onConnect(self, request):
        self.line = Line()
        token = writable.set(self.line.writable)
        try:
            return super().onConnect(request)
        finally:
            writable.reset(token)

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
        if self.state != self.STATE_OPEN:
            return
        if content is not ChatProtocol.last_text:
            frame = self.factory.prepareMessage(content.encode(), binary)
            ChatProtocol.last_text, ChatProtocol.last_frame = content, frame.payloadHybi
        self.transport.write(ChatProtocol.last_frame)

    def sendCloseFrame(self, code=None, **kwargs):
        """Dit adieu ; à qui abuse, sans lire la suite, qui coûterait autant que le reste."""
        super().sendCloseFrame(code, **kwargs)
        if code in (TOO_BIG, TOO_MANY):
            self.transport.pauseProducing()
            self.data = b""


WebSocketFactory.protocol = ChatProtocol
