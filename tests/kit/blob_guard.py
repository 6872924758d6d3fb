"""Checks who makes requests to a Blob service, as Azure does and Azurite does not: blob_guard.py --service URL ...

It stands in front of Azurite. Of a token of Entra ID it checks signature, issuer, audience, time and roles (--role); it
gives out keys for signing (at most for 7 days), and checks the signatures made with them. With --hierarchical it is an
account with a hierarchical namespace: it takes signatures for one directory, and lists directories as blobs. With
--no-shared-key it refuses the account's key, and what is signed with it. What is allowed goes on to Azurite with a
signature of the guard's own; what only Azurite can check goes on as it came. The first line printed says where it
listens, each further one what it refused.
"""

import argparse
import asyncio
import base64
import re
import secrets
import ssl
import sys
from datetime import timedelta
from functools import partial
from urllib.parse import quote, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape

import sas
from blob_front import read_request
from entra import ROLES, Refused, Tenant
from messages import END_OF_HEAD, LONGEST_HEAD, Request

LONGEST_DELEGATION = timedelta(days=7)
PART = re.compile(rb"(?<=\r\n\r\n)[A-Z]+ [^\r\n]* HTTP/1\.1\r\n.*?\r\n\r\n", re.DOTALL)

# The parameters of a SAS.
OF_SAS = {"sv", "ss", "srt", "sp", "se", "st", "spr", "sip", "si", "sr", "sdd", "sig", *sas.DELEGATION}

# What a request does, by verb: with its right in a SAS.
ACTIONS = {"GET": "read", "HEAD": "read", "PUT": "write", "DELETE": "delete"}
RIGHTS = {"read": "r", "list": "l", "write": "w", "delete": "d", "info": ""}


class Place:
    """What a request is about: a container of the account, and a blob in it or the prefix of a list."""

    def __init__(self, request):
        parts = unquote(request.path).split("/", 3)
        self.container = parts[2] if len(parts) > 2 else ""
        self.blob = parts[3] if len(parts) > 3 else ""
        self.below = self.blob or request.query.get("prefix", "")

    def directory(self, depth):
        segments = self.below.split("/")[:depth]
        if len(segments) < depth or "" in segments:
            raise Refused(403, "AuthenticationFailed", "Signed Directory Depth Invalid")
        return "/".join(segments)


def action_of(request):
    query = request.query
    if query.get("comp") == "list":
        return "list"
    return "info" if query.get("restype") == "account" else ACTIONS.get(request.verb, "other")


class Guard:
    def __init__(self, options, tenant):
        self.account, self.key = options.account, base64.b64decode(options.key)
        self.service, self.trust = urlsplit(options.service), options.authority
        self.is_hierarchical, self.takes_key = options.hierarchical, not options.no_shared_key
        self.tenant = tenant
        # The keys given out, by what a signature says of them; each with its owner.
        self.delegations = {}
        # The directories that exist, by container and name.
        self.directories = set()

    # Who makes a request, and whether it may.

    def check(self, request):
        """Whether a request is checked here, and may be made. One that Azurite has to check is not."""
        place, action = Place(request), action_of(request)
        authorization = request.header("authorization")
        if authorization.startswith("Bearer "):
            owner = self.tenant.owner(authorization.removeprefix("Bearer "))
            self.tenant.check_role(owner["appid"], action, place.container)
            return True
        if "skoid" in request.query:
            self.check_delegated(request.query, place, action)
            return True
        if ("sig" in request.query or authorization) and not self.takes_key:
            raise Refused(403, "KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted.")
        if request.query.get("sr") == "d":
            self.check_sas(self.key, request.query, place, action)
            return True
        return False

    def check_delegated(self, query, place, action):
        key, owner = self.delegations.get(tuple(query.get(name) for name in ("skoid", "skt", "ske")), (b"", ""))
        if not key or self.tenant.now() >= sas.moment(query["ske"]):
            raise Refused(403, "AuthenticationFailed", "The key of the signature is unknown, or has expired.")
        self.check_sas(key, query, place, action)
        if action != "info":
            self.tenant.check_role(owner, action, place.container)

    def check_sas(self, key, query, place, action):
        resource = f"/blob/{self.account}/{place.container}"
        match query.get("sr"):
            case "b":
                resource += f"/{place.blob}"
            case "d" if self.is_hierarchical:
                resource += f"/{place.directory(int(query.get('sdd', '0')))}"
            case "c":
                pass
            case kind:
                raise Refused(403, "AuthenticationFailed", f"sr={kind} is not taken")
        if not sas.is_signed(key, query, resource):
            raise Refused(403, "AuthenticationFailed", "Signature did not match.")
        now = self.tenant.now()
        if not sas.moment(query.get("st", "0001-01-01T00:00:00Z")) <= now < sas.moment(query["se"]):
            raise Refused(403, "AuthenticationFailed", "Signature not valid in the specified time frame")
        if RIGHTS.get(action, "?") not in query["sp"]:
            raise Refused(403, "AuthorizationPermissionMismatch", "The signature does not have this permission.")

    # What it answers.

    async def answer(self, request):
        if request.query.get("comp") == "userdelegationkey":
            return self.delegation_key(request)
        if request.query.get("comp") == "batch":
            return await self.ask(self.checked_batch(request))
        is_checked = self.check(request)
        if self.is_hierarchical:
            await self.keep_directories(request)
        answer = await self.ask(self.signed(request) if is_checked else request.alone())
        if self.is_hierarchical and action_of(request) == "info":
            # Azurite says nothing of it.
            answer = answer.replace(b"\r\n", b"\r\nx-ms-is-hns-enabled: true\r\n", 1)
        return answer

    def delegation_key(self, request):
        """https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key"""
        owner = self.tenant.owner(request.header("authorization").removeprefix("Bearer "))
        self.tenant.check_role(owner["appid"], "delegate", None)
        start, end = (re.search(rf"<{name}>([^<]*)</{name}>", request.body.decode())[1] for name in ("Start", "Expiry"))
        if not self.tenant.now() < sas.moment(end) <= self.tenant.now() + LONGEST_DELEGATION:
            raise Refused(400, "InvalidXmlNodeValue", "The expiry is in the past, or more than 7 days from now.")
        key = secrets.token_bytes(32)
        self.delegations[owner["oid"], start, end] = (key, owner["appid"])
        fields = {
            "SignedOid": owner["oid"],
            "SignedTid": owner["tid"],
            "SignedStart": start,
            "SignedExpiry": end,
            "SignedService": "b",
            "SignedVersion": sas.VERSION,
            "Value": base64.b64encode(key).decode(),
        }
        content = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
        return message("200 OK", f"<?xml version='1.0' encoding='utf-8'?><UserDelegationKey>{content}</UserDelegationKey>")

    def checked_batch(self, request):
        """A batch whose parts are all allowed. Each part says itself who makes it."""
        is_checked = False
        for part in PART.findall(request.body):
            is_checked = self.check(Request(part, b""))
        if not is_checked:
            return request.alone()
        body = PART.sub(lambda part: self.signed_head(Request(part[0], b"")), request.body)
        head = re.sub(rb"(?i)(\r\ncontent-length:)[^\r]*", rb"\1 %d" % len(body), request.head)
        return self.signed(Request(head, body))

    # A hierarchical namespace.

    async def keep_directories(self, request):
        """Makes the directories above a blob that is written, and keeps one that is not empty."""
        place = Place(request)
        segments = place.blob.split("/")
        if request.verb == "PUT":
            for depth in range(1, len(segments)):
                await self.make_directory(place.container, "/".join(segments[:depth]))
        if request.verb == "DELETE" and (place.container, place.blob) in self.directories:
            prefix = urlencode({"restype": "container", "comp": "list", "maxresults": 1, "prefix": f"{place.blob}/"})
            if b"<Blob>" in await self.own("GET", f"{place.container}?{prefix}&"):
                raise Refused(409, "DirectoryIsNotEmpty", "The recursive query parameter must be true.")
            self.directories.discard((place.container, place.blob))

    async def make_directory(self, container, name):
        if (container, name) not in self.directories:
            self.directories.add((container, name))
            headers = "x-ms-blob-type: BlockBlob\r\nx-ms-meta-hdi_isfolder: true\r\nContent-Length: 0\r\n"
            await self.own("PUT", f"{container}/{quote(name)}?", headers)

    async def own(self, verb, target, headers=""):
        container = target.split("?")[0].split("/")[0]
        signature = sas.of_container(self.account, self.key, container)
        head = f"{verb} /{self.account}/{target}{signature} HTTP/1.1\r\nHost: x\r\nx-ms-version: {sas.VERSION}\r\n{headers}\r\n"
        return await self.ask(Request(head.encode(), b"").alone())

    # Azurite.

    def signed(self, request):
        return Request(self.signed_head(request), request.body).alone()

    def signed_head(self, request):
        """The head of a request with a signature of ours in place of what it showed."""
        first, _, rest = request.head.partition(b"\r\n")
        verb, target, version = first.decode("latin-1").split(" ")
        path, _, query = target.partition("?")
        others = [pair for pair in query.split("&") if pair and pair.split("=")[0] not in OF_SAS]
        others.append(sas.of_container(self.account, self.key, Place(request).container))
        rest = re.sub(rb"(?im)^authorization:[^\r\n]*\r\n", b"", rest)
        return f"{verb} {path}?{'&'.join(others)} {version}\r\n".encode("latin-1") + rest

    async def ask(self, request):
        answers, service = await asyncio.open_connection(self.service.hostname, self.service.port, ssl=self.trust)
        try:
            service.write(request)
            return await answers.read()
        finally:
            service.close()


def message(status, body, code=None):
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/xml", f"Content-Length: {len(body.encode())}"]
    lines += [f"x-ms-version: {sas.VERSION}", "Connection: close"]
    if code:
        lines.append(f"x-ms-error-code: {code}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def refusal(refused, request):
    code, text = refused.code, escape(refused.text)
    body = f"<?xml version='1.0' encoding='utf-8'?><Error><Code>{code}</Code><Message>{text}</Message></Error>"
    answer = message(f"{refused.status} Refused", body, code)
    return answer.partition(END_OF_HEAD)[0] + END_OF_HEAD if request.verb == "HEAD" else answer


async def serve(guard, client, answers):
    try:
        request = await read_request(client)
        try:
            answers.write(await guard.answer(request))
        except Refused as refused:
            print(f"refused {request.verb} {request.path}: {refused.status} {refused.code}: {refused.text}", flush=True)
            answers.write(refusal(refused, request))
        await answers.drain()
    except (OSError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
        print(f"connection ended: {error}", flush=True)
    finally:
        answers.close()


async def main(options):
    tenant = Tenant(options.tenant, options.issuer, options.role, timedelta(minutes=options.clock_offset))
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if options.tls else None
    if own:
        own.load_cert_chain(*options.tls)
    serving = partial(serve, Guard(options, tenant))
    server = await asyncio.start_server(serving, "127.0.0.1", 0, ssl=own, limit=LONGEST_HEAD)
    scheme = "https" if own else "http"
    print(f"listening on {scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def role(text):
    """CLIENT=ROLE, on the account, or CLIENT=ROLE@CONTAINER."""
    client, _, role = text.partition("=")
    role, _, container = role.partition("@")
    if role not in ROLES:
        raise argparse.ArgumentTypeError(f"{role} is none of {', '.join(ROLES)}")
    return client, role, container or None


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("service", "account", "key", "tenant", "issuer"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--role", type=role, action="append", default=[], metavar="CLIENT=ROLE[@CONTAINER]")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    parser.add_argument("--authority", type=lambda file: ssl.create_default_context(cafile=file), help="of the service")
    parser.add_argument("--clock-offset", type=int, default=0, metavar="MINUTES")
    parser.add_argument("--hierarchical", action="store_true")
    parser.add_argument("--no-shared-key", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))
