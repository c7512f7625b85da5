from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from .limits import LONGEST_QUEUE, TOO_BIG, TOO_MANY
from .line import Line
from .outbox import current_line


class ChatProtocol(WebSocketProtocol):
    """Le WebSocket de daphne, qui sait s'arrêter de lire."""

    # Devant une trame trop grande, il raccroche avec un code, 1009, au lieu de couper sans un mot.
    failByDrop = False

    def onConnect(self, request):
        self.line = Line(self)
        token = current_line.set(self.line)
        try:
            return super().onConnect(request)
        finally:
            current_line.reset(token)

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
