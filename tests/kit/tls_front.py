#!/usr/bin/python3
"""Puts TLS in front of a service that speaks plain HTTP: tls_front.py CERTIFICATE KEY PORT

Each request is handed on as it came, Host included, with one header more by which the service learns that its client
came by https. Answers are handed back byte by byte. The first line printed says where the front listens.
"""

import asyncio
import ssl
import sys
from functools import partial

from messages import END_OF_HEAD, LONGEST_HEAD, body_length

HEADER = b"X-Forwarded-Proto: https\r\n"
PIECE = 65_536


async def hand_on(client, service):
    """Hands on one request after the other until the client has said all."""
    try:
        while True:
            head = await client.readuntil(END_OF_HEAD)
            service.write(head.removesuffix(b"\r\n") + HEADER + b"\r\n")
            await copy(client, service, body_length(head))
    except asyncio.IncompleteReadError:
        service.write_eof()


async def copy(source, target, length):
    while length > 0:
        piece = await source.readexactly(min(length, PIECE))
        target.write(piece)
        await target.drain()
        length -= len(piece)


async def hand_back(service, client):
    while piece := await service.read(PIECE):
        client.write(piece)
        await client.drain()
    client.close()


async def serve(port, client, answers):
    """Serves one connection. Both directions end with it, whichever side ends it."""
    service_answers, service = await asyncio.open_connection("127.0.0.1", port)
    directions = [hand_on(client, service), hand_back(service_answers, answers)]
    try:
        await asyncio.gather(*directions)
    except (OSError, ValueError) as error:
        print(f"connection ended: {error}", flush=True)
    finally:
        service.close()
        answers.close()


async def main(certificate, key, port):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(partial(serve, int(port)), "127.0.0.1", 0, ssl=context, limit=LONGEST_HEAD)
    print(f"listening on https://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
