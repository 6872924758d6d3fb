"""A certificate authority of our own and a server certificate for 127.0.0.1, both made by openssl for one launch."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

SETTINGS = Path(__file__).with_name("certificates.cnf")
DAYS = "2"


@dataclass
class Certificates:
    """Where they are: what a client has to trust, and what a server shows."""

    authority: Path
    server: Path
    server_key: Path


def make(directory):
    authority, server = directory / "authority", directory / "server"
    _openssl(authority, "/CN=azure-batch-launch authority", "-extensions", "authority")
    signer = ["-CA", _certificate(authority), "-CAkey", _key(authority)]
    _openssl(server, "/CN=127.0.0.1", "-extensions", "server", *signer)
    return Certificates(_certificate(authority), _certificate(server), _key(server))


def _openssl(name, subject, *options):
    command = ["openssl", "req", "-x509", "-config", SETTINGS, "-days", DAYS, "-subj", subject]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", _key(name), "-out", _certificate(name), *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"openssl made no certificate ({subject}): {done.stderr.strip()}")


def _certificate(name):
    return name.with_suffix(".pem")


def _key(name):
    return name.with_suffix(".key")
