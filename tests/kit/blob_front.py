"""Makes requests to a Blob service fail on request: blob_front.py PORT FAULT...

It stands in front of the service on that port of this machine. A FAULT is OPERATION[#N]=FAILURE, as docs/emulator.md
tells for Batch, with the operations of Blob Storage. Every other request is handed on as it came. Each request has a
connection of its own. The first line printed says where the front listens, each further one which fault struck what.
"""

import asyncio
import sys
from functools import partial

from faults import Faults, parse
from messages import END_OF_HEAD, LONGEST_HEAD, Request, body_length

# The operations by verb, restype and comp of a request: the titles of their REST pages.
OPERATIONS = {
    ("GET", "", ""): "get-blob",
    ("HEAD", "", ""): "get-blob-properties",
    ("PUT", "", ""): "put-blob",
    ("PUT", "", "block"): "put-block",
    ("PUT", "", "blocklist"): "put-block-list",
    ("DELETE", "", ""): "delete-blob",
    ("GET", "container", "list"): "list-blobs",
    ("GET", "container", ""): "get-container-properties",
    ("HEAD", "container", ""): "get-container-properties",
    ("PUT", "container", ""): "create-container",
    ("DELETE", "container", ""): "delete-container",
}
NAMES = sorted(set(OPERATIONS.values()))

# https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
REFUSALS = {
    "429": ("Too Many Requests", "TooManyRequests"),
    "500": ("Internal Server Error", "InternalError"),
    "503": ("Server Busy", "ServerBusy"),
}


def operation(request):
    kind = (request.verb, request.query.get("restype", ""), request.query.get("comp", ""))
    return OPERATIONS.get(kind, "other")


async def read_request(client):
    head = await client.readuntil(END_OF_HEAD)
    return Request(head, await client.readexactly(body_length(head)))


async def ask(port, request):
    """The whole answer of the service."""
    answers, service = await asyncio.open_connection("127.0.0.1", port)
    try:
        service.write(request.alone())
        return await answers.read()
    finally:
        service.close()


def refusal(fault):
    reason, code = REFUSALS[fault.failure]
    body = f"<?xml version='1.0' encoding='utf-8'?><Error><Code>{code}</Code><Message>{fault.text}</Message></Error>"
    lines = [f"HTTP/1.1 {fault.failure} {reason}", f"x-ms-error-code: {code}", "Content-Type: application/xml"]
    if fault.number is not None:
        lines.append(f"Retry-After: {fault.number}")
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode(), body.encode()


def cut(answer):
    """An answer with half of its body; nothing of one without a body."""
    head, end, body = answer.partition(END_OF_HEAD)
    return head + end + body[: len(body) // 2] if body else b""


async def meet(fault, request, client, port):
    """What is sent back to a request that a fault strikes."""
    match fault.failure:
        case "429" | "500" | "503":
            head, body = refusal(fault)
            return head if request.verb == "HEAD" else head + body
        case "delay":
            await asyncio.sleep(fault.number / 1000)
            return await ask(port, request)
        case "cut":
            return cut(await ask(port, request))
    what, _, moment = fault.failure.partition("-")
    if moment == "after":
        await ask(port, request)
    if what == "stall":
        # Until the client goes away.
        await client.read()
    return b""


async def serve(port, faults, client, answers):
    try:
        request = await read_request(client)
        fault = faults.strike(operation(request))
        if fault is None:
            answers.write(await ask(port, request))
        else:
            print(f"{fault.text} struck {request.verb} {request.path}", flush=True)
            answers.write(await meet(fault, request, client, port))
        await answers.drain()
    except (OSError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
        print(f"connection ended: {error}", flush=True)
    finally:
        answers.close()


async def main(port, faults):
    answer = partial(serve, port, Faults([parse(text, NAMES) for text in faults]))
    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=LONGEST_HEAD)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
    except ValueError as error:
        sys.exit(f"blob_front.py: {error}")
