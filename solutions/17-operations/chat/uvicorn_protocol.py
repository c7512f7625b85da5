from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

from .outbox import current_line


class ChatProtocol(WebSocketsSansIOProtocol):
    """Le WebSocket d'uvicorn, qui est aussi une ligne : voir chat/protocol.py."""

    last_batch = last_frames = None

    def handle_connect(self, event):
        token = current_line.set(self)
        try:
            super().handle_connect(event)
        finally:
            current_line.reset(token)

    def write_now(self, batch):
        is_open = self.handshake_complete and not self.close_sent and not self.disconnected
        # Compressée, une trame serait à chacun la sienne.
        if not is_open or self.conn.extensions or not self.writable.is_set():
            return False
        if batch is not ChatProtocol.last_batch:
            frames = [Frame(Opcode.TEXT, text.encode()).serialize(mask=False) for _, text in batch]
            ChatProtocol.last_batch, ChatProtocol.last_frames = batch, b"".join(frames)
        self.transport.write(ChatProtocol.last_frames)
        return True
