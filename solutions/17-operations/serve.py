"""Lance un serveur du chat, en production : python serve.py PORT."""

import sys

import uvicorn

uvicorn.run(
    "live.asgi:application",
    port=int(sys.argv[1]),
    lifespan="off",
    ws="chat.uvicorn_protocol:ChatProtocol",
    ws_max_size=2**16,
    ws_per_message_deflate=False,
    forwarded_allow_ips="127.0.0.1",
    timeout_graceful_shutdown=10,
    log_config=None,
)
