from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

from .outbox import writable


class ChatProtocol(WebSocketsSansIOProtocol):
    """Le WebSocket d'uvicorn, qui écrit une trame pour tout un salon, et dit quand il est plein."""

    last_text = last_frame = None

    def handle_connect(self, event):
        token = writable.set(self.writable)
        try:
            super().handle_connect(event)
        finally:
            writable.reset(token)

    async def send(self, message):
        text = message.get("text")
        # Compressée, la trame serait à chacun la sienne.
        is_open = self.handshake_complete and not self.close_sent and not self.conn.extensions
        if text is None or not is_open or self.disconnected or not self.writable.is_set():
            await super().send(message)
            return
        if text is not ChatProtocol.last_text:
            frame = Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
            ChatProtocol.last_text, ChatProtocol.last_frame = text, frame
        self.transport.write(ChatProtocol.last_frame)
