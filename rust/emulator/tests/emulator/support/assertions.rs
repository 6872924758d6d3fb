//! Certificates, and assertions that are signed with their keys.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// A certificate with its key.
pub(crate) struct Signer {
    /// The certificate as PEM.
    pub(crate) pem: String,
    key: RsaKeyPair,
}

impl Signer {
    pub(crate) fn new() -> Signer {
        let directory = tempfile::tempdir().unwrap();
        let [key, pem] = ["key.pem", "certificate.pem"].map(|name| directory.path().join(name));
        let mut openssl = Command::new("openssl");
        openssl.args("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=app".split(' '));
        let output = openssl.arg("-keyout").arg(&key).arg("-out").arg(&pem).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let key = RsaKeyPair::from_pkcs8(&der(&std::fs::read_to_string(key).unwrap())).unwrap();
        Signer { pem: std::fs::read_to_string(pem).unwrap(), key }
    }

    /// Returns the header of an assertion as Microsoft's clients send it.
    pub(crate) fn header(&self) -> Value {
        json!({"typ": "JWT", "alg": "RS256", "x5t": self.thumbprint(&SHA1_FOR_LEGACY_USE_ONLY)})
    }

    /// The same with the newer algorithms.
    pub(crate) fn new_header(&self) -> Value {
        json!({"typ": "JWT", "alg": "PS256", "x5t#S256": self.thumbprint(&SHA256)})
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let encoding: &dyn RsaEncoding =
            if header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
        let signed =
            [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let mut signature = vec![0; self.key.public().modulus_len()];
        let random = SystemRandom::new();
        self.key.sign(encoding, &random, signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn thumbprint(&self, algorithm: &'static Algorithm) -> String {
        URL_SAFE_NO_PAD.encode(digest(algorithm, &der(&self.pem)))
    }
}

/// Returns the bytes in a PEM text.
fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

/// Returns the claims of an assertion of this application, valid for ten minutes.
pub(crate) fn claims(client: &str, audience: &str) -> Value {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    json!({
        "aud": audience, "iss": client, "sub": client, "jti": "id",
        "nbf": now, "iat": now, "exp": now + 600,
    })
}
