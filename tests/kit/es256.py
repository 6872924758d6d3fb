"""Checks signatures of ECDSA on P-256 with SHA-256 (ES256), by which the emulator signs its tokens: FIPS 186-5."""

import hashlib

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def add(one, other):
    """The sum of two points of the curve; None is the point at infinity."""
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    if one == other:
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def multiply(point, factor):
    product = None
    for bit in f"{factor:b}":
        product = add(product, product)
        if bit == "1":
            product = add(product, point)
    return product


def digest(message):
    return int.from_bytes(hashlib.sha256(message).digest(), "big")


def is_signed(message, signature, key):
    """Whether a signature, two numbers of 32 bytes, is that of the key's owner; `key` is a point of the curve."""
    if len(signature) != 64:
        return False
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    if not (0 < r < ORDER and 0 < s < ORDER):
        return False
    inverse = pow(s, -1, ORDER)
    sum_ = add(multiply(BASE, digest(message) * inverse % ORDER), multiply(key, r * inverse % ORDER))
    return sum_ is not None and sum_[0] % ORDER == r
