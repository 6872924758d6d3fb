"""HTTP requests as bytes, as far as the fronts need to understand them."""

import re

END_OF_HEAD = b"\r\n\r\n"
# Of a request's head; a signed URL has a few hundred bytes.
LONGEST_HEAD = 65_536


def body_length(head):
    """How many bytes follow the head of a request."""
    if re.search(rb"\r\ntransfer-encoding:", head, re.IGNORECASE):
        raise ValueError("a request without Content-Length: neither Azure's clients nor its nodes send one")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return int(length.group(1)) if length else 0
