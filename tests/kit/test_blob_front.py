"""The fault front of Blob Storage, as a client sees it, before a service that only echoes."""

import contextlib
import http.client
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

FRONT = Path(__file__).with_name("blob_front.py")
TIMEOUT_SECONDS = 10
GET = b"GET /account/box/blob?sig=secret HTTP/1.1\r\nHost: x\r\n\r\n"


class Service(ThreadingHTTPServer):
    """Answers with the request's verb, path and body, and remembers them."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = []
        self._more = threading.Condition()

    def see(self, said):
        with self._more:
            self.seen.append(said)
            self._more.notify_all()

    def wait_for(self, verb):
        with self._more:
            assert self._more.wait_for(lambda: any(said.startswith(verb) for said in self.seen), TIMEOUT_SECONDS)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = f"{self.command} {self.path} {body.decode()}"
        self.server.see(said)
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said.encode())

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    with Service() as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        yield service
        service.shutdown()


@contextlib.contextmanager
def front(service, *faults):
    """A front with these faults, and the port where it listens."""
    command = [sys.executable, FRONT, str(service.server_address[1]), *faults]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline().strip().rpartition(":")[2]), process
        finally:
            process.terminate()


def ask(port, verb, path, body=None, headers=None):
    """Status, Retry-After and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    connection.request(verb, path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, answer.getheader("Retry-After"), answer.read().decode()


def send(port, request):
    """A connection over which a request was sent."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
    connection.sendall(request)
    return connection


def all_of(connection):
    """All that comes over a connection until it is closed."""
    with connection.makefile("rb") as answer:
        return answer.read()


def test_other_requests_are_handed_on_as_they_came(service):
    with front(service, "delete-blob=503") as (port, _):
        assert ask(port, "PUT", "/account/box/a%20b?sig=s%2Bt", "body") == (200, None, "PUT /account/box/a%20b?sig=s%2Bt body")
        assert ask(port, "HEAD", "/account/box/a") == (200, None, "")


def test_a_refused_request_does_not_reach_the_service(service):
    with front(service, "put-blob#1=503,retry-after=7", "put-blob#2=429", "any#3=500") as (port, _):
        for status, retry_after, code in [(503, "7", "ServerBusy"), (429, None, "TooManyRequests"), (500, None, "InternalError")]:
            answer = ask(port, "PUT", "/account/box/blob", "body")
            assert answer[:2] == (status, retry_after) and code in answer[2]
        assert service.seen == []
        assert ask(port, "PUT", "/account/box/blob", "body")[0] == 200


def test_a_dropped_request_gets_no_byte(service):
    with front(service, "get-blob#1=drop-before", "get-blob#2=drop-after") as (port, _):
        assert all_of(send(port, GET)) == b"" and service.seen == []
        assert all_of(send(port, GET)) == b"" and len(service.seen) == 1


def test_a_cut_answer_announces_more_than_comes(service):
    with front(service, "get-blob=cut") as (port, _):
        head, _, body = all_of(send(port, GET)).partition(b"\r\n\r\n")
        whole = b"GET /account/box/blob?sig=secret "
        assert f"Content-Length: {len(whole)}".encode() in head and body == whole[: len(whole) // 2]
        with pytest.raises(http.client.IncompleteRead):
            ask(port, "GET", "/account/box/blob")


def test_a_stalled_request_gets_no_answer_and_others_do(service):
    with front(service, "get-blob#1=stall-after", "get-blob#2=stall-before") as (port, _):
        after = send(port, GET)
        service.wait_for("GET")
        before = send(port, GET)
        assert ask(port, "PUT", "/account/box/blob", "x")[0] == 200
        for stalled in (after, before):
            stalled.setblocking(False)
            with pytest.raises(BlockingIOError):
                stalled.recv(1)
            stalled.close()


def test_a_delayed_request_is_answered(service):
    with front(service, "get-blob=delay,ms=50") as (port, _):
        assert ask(port, "GET", "/account/box/blob")[0] == 200


@pytest.mark.parametrize(
    ("verb", "path", "operation"),
    [
        ("GET", "/account/box?restype=container&comp=list", "list-blobs"),
        ("PUT", "/account/box/blob?comp=block&blockid=a", "put-block"),
        ("PUT", "/account/box/blob?comp=blocklist", "put-block-list"),
        ("HEAD", "/account/box/blob", "get-blob-properties"),
        ("HEAD", "/account/box?restype=container", "get-container-properties"),
        ("PUT", "/account/box?restype=container", "create-container"),
        ("DELETE", "/account/box/blob", "delete-blob"),
    ],
)
def test_an_operation_is_known_by_verb_and_query(service, verb, path, operation):
    with front(service, f"{operation}=503") as (port, process):
        assert ask(port, verb, path + "&sig=secret" if "?" in path else path + "?sig=secret")[0] == 503
        assert process.stdout.readline() == f"{operation}=503 struck {verb} {path.partition('?')[0]}\n"


@pytest.mark.parametrize(
    ("fault", "part"),
    [
        ("get-blob", "OPERATION[#N]=FAILURE"),
        ("read-blob=503", "'read-blob' is no operation"),
        ("get-blob#0=503", "'#0'"),
        ("get-blob#3..2=503", "'#3..2'"),
        ("get-blob=404", "'404' is no failure"),
        ("get-blob=delay", "ms=500"),
        ("get-blob=503,retry-after=soon", "'retry-after=soon'"),
        ("get-blob=cut,ms=1", "'cut' has no option 'ms=1'"),
    ],
)
def test_the_part_that_is_wrong_is_named(fault, part):
    ended = subprocess.run([sys.executable, FRONT, "1", fault], capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    assert ended.returncode == 1 and part in ended.stderr and ended.stderr.count("\n") == 1
