"""HTTP requests as bytes, as far as the fronts need to understand them."""

import re
from urllib.parse import parse_qsl, urlsplit

END_OF_HEAD = b"\r\n\r\n"
# Of a request's head; a signed URL has a few hundred bytes.
LONGEST_HEAD = 65_536


def body_length(head):
    """How many bytes follow the head of a request."""
    if re.search(rb"\r\ntransfer-encoding:", head, re.IGNORECASE):
        raise ValueError("a request without Content-Length: neither Azure's clients nor its nodes send one")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return int(length.group(1)) if length else 0


class Request:
    """The head and the body of a request, as they came."""

    def __init__(self, head, body):
        self.head, self.body = head, body
        self.verb, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        url = urlsplit(target)
        # Without the query: it may hold a signature.
        self.path = url.path
        self.query = dict(parse_qsl(url.query))

    def header(self, name):
        found = re.search(rb"\r\n%s: *([^\r]*)" % name.encode(), self.head, re.IGNORECASE)
        return found.group(1).decode("latin-1") if found else ""

    def alone(self):
        """Its bytes, asking for the connection to be closed after the answer."""
        head = re.sub(rb"\r\nconnection:[^\r]*", b"", self.head, flags=re.IGNORECASE)
        return head.removesuffix(b"\r\n") + b"Connection: close\r\n\r\n" + self.body
