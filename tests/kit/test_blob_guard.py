"""The guard of Blob Storage, as a client sees it, before a service that only echoes."""

import base64
import contextlib
import json
import secrets
import subprocess
import sys
import threading
import time
import urllib.parse
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import es256
import sas
from test_blob_front import Service, ask

GUARD = Path(__file__).with_name("blob_guard.py")
TENANT, CLIENT, OWNER = "tenant", "client", "owner"
ACCOUNT, KEY = "account", base64.b64encode(b"the key").decode()
SECRET = secrets.randbelow(es256.ORDER - 1) + 1
POINT = es256.multiply(es256.BASE, SECRET)


def encoded(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(claims, secret=SECRET):
    """A token: FIPS 186-5, 6.4."""
    message = ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "ES256", "kid": "1"}, claims))
    nonce = secrets.randbelow(es256.ORDER - 1) + 1
    r = es256.multiply(es256.BASE, nonce)[0] % es256.ORDER
    s = pow(nonce, -1, es256.ORDER) * (es256.digest(message.encode()) + r * secret) % es256.ORDER
    return f"{message}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def claims(**others):
    now = int(time.time())
    usual = {"aud": "https://storage.azure.com", "iss": f"https://sts.windows.net/{TENANT}/", "nbf": now, "exp": now + 60}
    return usual | {"appid": CLIENT, "oid": OWNER, "tid": TENANT} | others


class Issuer(BaseHTTPRequestHandler):
    """Publishes the key."""

    def do_GET(self):
        coordinates = {name: encoded(value.to_bytes(32, "big")) for name, value in zip("xy", POINT, strict=True)}
        body = json.dumps({"keys": [{"kid": "1", **coordinates}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(server):
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def guard():
    """Starts a guard with these switches, and says where it listens and what the service behind it sees."""
    with contextlib.ExitStack() as stack:
        service = Service()
        port = stack.enter_context(serving(service))
        issuer = stack.enter_context(serving(ThreadingHTTPServer(("127.0.0.1", 0), Issuer)))

        def start(*switches):
            command = [sys.executable, GUARD, "--service", f"http://127.0.0.1:{port}", "--account", ACCOUNT, "--key", KEY]
            command += ["--tenant", TENANT, "--issuer", f"http://127.0.0.1:{issuer}", *switches]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(process.terminate)
            return int(process.stdout.readline().strip().rpartition(":")[2]), service

        yield start


CONTRIBUTOR = ("--role", f"{CLIENT}=storage-blob-data-contributor@box", "--role", f"{CLIENT}=storage-blob-delegator")


def status(port, verb, path, token=None, body=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return ask(port, verb, f"/{ACCOUNT}/{path}", body, headers)[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "https://batch.core.windows.net/"},
        {"iss": "https://sts.windows.net/other/"},
        {"exp": int(time.time()) - 1},
        {"nbf": int(time.time()) + 3600},
        {"exp": "never"},
    ],
)
def test_a_token_is_refused_for_each_of_its_claims(guard, wrong):
    port, service = guard(*CONTRIBUTOR)
    assert status(port, "GET", "box/blob", signed(claims())) == 200
    assert status(port, "GET", "box/blob", signed(claims(**wrong))) == 401
    assert len(service.seen) == 1


def test_a_token_of_another_key_and_a_changed_one_are_refused(guard):
    port, service = guard(*CONTRIBUTOR)
    good = signed(claims())
    header, _, signature = good.split(".")
    changed = f"{header}.{encoded(json.dumps(claims(appid='other')).encode())}.{signature}"
    for bad in (signed(claims(), secret=SECRET - 1), changed, good[:-4], "a.b.c", ""):
        assert status(port, "GET", "box/blob", bad or ".") == 401
    assert service.seen == []


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("storage-blob-data-reader", "rk"),
        ("storage-blob-data-contributor", "rwdk"),
        ("storage-blob-delegator", "k"),
        ("storage-blob-data-reader@box", "r"),
        ("storage-blob-data-contributor@box", "rwd"),
        ("storage-blob-data-contributor@other", ""),
        ("storage-blob-delegator@box", ""),
    ],
)
def test_each_role_allows_what_it_is_for_where_it_is_assigned(guard, role, allowed):
    port, _ = guard("--role", f"{CLIENT}={role}")
    token = signed(claims())
    ways = {
        "r": ("GET", "box/blob", None),
        "w": ("PUT", "box/blob", "x"),
        "d": ("DELETE", "box/blob", None),
        "k": ("POST", "?restype=service&comp=userdelegationkey", span(timedelta(days=1))),
    }
    got = {name: status(port, verb, path, token, body) for name, (verb, path, body) in ways.items()}
    assert got == {name: 200 if name in allowed else 403 for name in ways}


def span(life):
    start, end = (moment(datetime.now(UTC) + offset) for offset in (-timedelta(minutes=15), life))
    return f"<KeyInfo><Start>{start}</Start><Expiry>{end}</Expiry></KeyInfo>"


def moment(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def delegated(port, life=timedelta(days=1)):
    """A key for signing, and what a signature by it has to say of it."""
    headers = {"Authorization": f"Bearer {signed(claims())}"}
    path = f"/{ACCOUNT}/?restype=service&comp=userdelegationkey"
    got, _, answer = ask(port, "POST", path, span(life), headers)
    if got != 200:
        return got, None
    fields = {name: answer.partition(f"<{name}>")[2].partition("<")[0] for name in ("SignedStart", "SignedExpiry", "Value")}
    about = {"skoid": OWNER, "sktid": TENANT, "skt": fields["SignedStart"], "ske": fields["SignedExpiry"]}
    return base64.b64decode(fields["Value"]), about | {"sks": "b", "skv": sas.VERSION}


def with_sas(path, key, resource, **query):
    expiry = moment(datetime.now(UTC) + timedelta(hours=1))
    query = {"sp": "rwdl", "se": expiry, "sv": sas.VERSION, "sr": "c"} | query
    query["sig"] = sas.signature(key, query, f"/blob/{ACCOUNT}/{resource}")
    return f"{path}{'&' if '?' in path else '?'}{urllib.parse.urlencode(query)}"


def test_a_key_for_signing_lives_seven_days_at_most(guard):
    port, _ = guard(*CONTRIBUTOR)
    assert delegated(port, timedelta(days=7, minutes=5))[0] == 400
    assert delegated(port, -timedelta(minutes=1))[0] == 400
    assert delegated(port, timedelta(days=7, minutes=-5))[1]


def test_a_signature_of_an_identity_allows_what_it_says_and_its_owner_may(guard):
    port, service = guard("--role", f"{CLIENT}=storage-blob-data-reader")
    key, about = delegated(port)
    assert status(port, "GET", with_sas("box/a", key, "box", **about)) == 200
    # What goes on is signed by the guard.
    assert "skoid" not in service.seen[0] and "sig=" in service.seen[0]
    assert status(port, "GET", with_sas("box/a", key, "box/a", **about, sr="b")) == 200
    for path, resource, others in [
        ("box/b", "box/a", {"sr": "b"}),
        ("other/a", "box", {}),
        ("box/a", "box", {"sp": "w"}),
        ("box/a", "box", {"se": moment(datetime.now(UTC) - timedelta(seconds=1))}),
        ("box/a", "box", {"skoid": "other"}),
        ("box/dir/a", "box/dir", {"sr": "d", "sdd": "1"}),
    ]:
        assert status(port, "GET", with_sas(path, key, resource, **(about | others))) == 403, (path, others)
    # The signature allows it, and its owner may not.
    assert status(port, "PUT", with_sas("box/a", key, "box", **about), body="x") == 403
    assert status(port, "GET", with_sas("box/a", b"other", "box", **about)) == 403


def test_a_directory_has_signatures_of_its_own_in_a_hierarchical_namespace(guard):
    port, _ = guard(*CONTRIBUTOR, "--hierarchical")
    for key, about in [delegated(port), (base64.b64decode(KEY), {})]:
        of_directory = about | {"sr": "d", "sdd": "2"}
        lists = "box?restype=container&comp=list"
        for path, expected in [
            ("box/a/b/c", 200),
            (f"{lists}&prefix=a/b/", 200),
            ("box/a/other/c", 403),
            (f"{lists}&prefix=a/other/", 403),
            (f"{lists}&prefix=a", 403),
            (lists, 403),
        ]:
            assert status(port, "GET", with_sas(path, key, "box/a/b", **of_directory)) == expected, path


def test_directories_are_blobs_in_a_hierarchical_namespace(guard):
    port, service = guard("--hierarchical")
    assert status(port, "PUT", "box/a/b/c?sig=x", body="x") == 200
    made = [seen.partition("?")[0] for seen in service.seen]
    assert made == [f"PUT /{ACCOUNT}/box/{name}" for name in ("a", "a/b", "a/b/c")]


def test_without_shared_keys_only_identities_are_let_in(guard):
    port, service = guard(*CONTRIBUTOR, "--no-shared-key")
    assert status(port, "GET", with_sas("box/a", base64.b64decode(KEY), "box")) == 403
    assert ask(port, "GET", f"/{ACCOUNT}/box/a", None, {"Authorization": "SharedKey account:x"})[0] == 403
    assert service.seen == []
    assert status(port, "GET", "box/a", signed(claims())) == 200
