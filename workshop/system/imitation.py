"""L'imitation de Redis, pour qui n'en a pas : `python -m workshop.system.imitation PORT`."""

import sys

from fakeredis import TcpFakeServer


class Server(TcpFakeServer):
    """Celui de fakeredis, qui, sans cela, n'annonce rien à qui ne dit rien sous Windows."""

    def get_request(self):
        connection, address = super().get_request()
        connection.setblocking(False)
        return connection, address


if __name__ == "__main__":
    with Server(("127.0.0.1", int(sys.argv[1]))) as server:
        server.serve_forever()
