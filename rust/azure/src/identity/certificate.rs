//! A service principal's certificate, and what is signed with its key.
//!
//! [Certificate credentials](https://learn.microsoft.com/entra/identity-platform/certificate-credentials)

use crate::{Error, Result, secret::HIDDEN};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use ring::{
    digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest},
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};
use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// Used at once: it only has to cover a clock that is off.
const LIFE: Duration = Duration::minutes(10);

/// A certificate and its private key. Cheap to clone; `Debug` hides the key.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    key: RsaKeyPair,
    /// Of the certificate: by it Entra ID knows which one.
    sha1: String,
    sha256: String,
}

impl Certificate {
    /// Reads both from one text in PEM, as `az ad sp create-for-rbac --create-cert` writes it, in any order. Line ends may
    /// be written as `\n`.
    ///
    /// # Errors
    /// A `Configuration` error that says which part is missing or cannot be used, and shows nothing of it.
    pub fn from_pem(pem: &str) -> Result<Self> {
        let pem = pem.replace("\\n", "\n");
        let wrong = |reason: &str| {
            Error::configuration(format!(
                "{reason}; it holds the certificate (BEGIN CERTIFICATE) and its RSA private key (BEGIN PRIVATE KEY), both in PEM"
            ))
        };
        if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(wrong("the private key is encrypted: decrypt it with `openssl pkey`"));
        }
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| wrong("there is no certificate in it"))?;
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| wrong("there is no private key in it"))?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(wrong("its private key is not RSA")),
        };
        let key = key.map_err(|error| {
            wrong(&format!(
                "its private key cannot be used ({error}; RSA of 2048 to 4096 bits can)"
            ))
        })?;
        let thumbprint =
            |of| BASE64_URL_SAFE_NO_PAD.encode(digest(of, certificate.as_ref()).as_ref());
        let (sha1, sha256) = (thumbprint(&SHA1_FOR_LEGACY_USE_ONLY), thumbprint(&SHA256));
        Ok(Self(Arc::new(Inner { key, sha1, sha256 })))
    }

    /// A statement that whoever sends it is `client`, for whoever listens at `audience`.
    pub(super) fn assertion(&self, client: &str, audience: &str) -> Result<String> {
        let Inner { key, sha1, sha256 } = &*self.0;
        let now = OffsetDateTime::now_utc();
        let header = json!({"alg": "RS256", "typ": "JWT", "x5t": sha1, "x5t#S256": sha256});
        let claims = json!({
            "aud": audience, "iss": client, "sub": client, "jti": Uuid::new_v4().to_string(),
            "nbf": now.unix_timestamp(), "exp": (now + LIFE).unix_timestamp(),
        });
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| Error::configuration("the certificate's private key cannot sign"))?;
        Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn encode(part: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part.to_string())
}

/// A certificate stands for its key.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.sha256 == other.0.sha256
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.sha256.hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thumbprint = &self.0.sha256;
        f.debug_struct("Certificate").field("sha256", thumbprint).field("key", &HIDDEN).finish()
    }
}
