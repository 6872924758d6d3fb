//! The certificates with which applications sign their assertions.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};

use super::jwt::Jwt;

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// The tag of the version of a certificate, which those of version 1 do not have.
const VERSION: u8 = 0xa0;
/// The object identifier of RSA keys, 1.2.840.113549.1.1.1.
const RSA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// A certificate of an RSA key.
pub(super) struct Certificate {
    /// Its `x5t` and `x5t#S256`.
    thumbprints: [String; 2],
    /// The public key: an `RSAPublicKey` in DER.
    key: Vec<u8>,
}

impl Certificate {
    /// Returns the first certificate of a PEM text; `None` if there is none, or its key is no RSA
    /// key.
    pub(super) fn from_pem(text: &str) -> Option<Certificate> {
        let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
        let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
        let body: String = body.split_whitespace().collect();
        let der = STANDARD.decode(body).ok()?;
        let thumbprints = [&SHA1_FOR_LEGACY_USE_ONLY, &SHA256]
            .map(|algorithm| URL_SAFE_NO_PAD.encode(digest(algorithm, &der)));
        Some(Certificate { thumbprints, key: public_key(&der)?.to_vec() })
    }

    /// Returns whether an assertion names this certificate.
    pub(super) fn is_named_by(&self, assertion: &Jwt<'_>) -> bool {
        let names = [assertion.header("x5t"), assertion.header("x5t#S256")];
        self.thumbprints.iter().zip(names).any(|(thumbprint, name)| thumbprint == name)
    }

    /// Returns whether an assertion is signed with the key of this certificate.
    pub(super) fn signed(&self, assertion: &Jwt<'_>) -> bool {
        let algorithm: &'static dyn VerificationAlgorithm = match assertion.header("alg") {
            "RS256" => &RSA_PKCS1_2048_8192_SHA256,
            "PS256" => &RSA_PSS_2048_8192_SHA256,
            _ => return false,
        };
        let key = UnparsedPublicKey::new(algorithm, &self.key);
        key.verify(assertion.signed.as_bytes(), &assertion.signature).is_ok()
    }
}

/// Returns the RSA key in a certificate.
fn public_key(certificate: &[u8]) -> Option<&[u8]> {
    let (_, certificate, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, mut fields, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    if *fields.first()? == VERSION {
        fields = element(fields)?.2;
    }
    // The serial number, the algorithm of the signature, the issuer, the validity, the subject.
    for _ in 0..5 {
        fields = element(fields)?.2;
    }
    let (_, key, _) = element(fields)?;
    let (_, algorithm, rest) = element(key)?;
    let (_, bits, _) = element(rest).filter(|(tag, ..)| *tag == BIT_STRING)?;
    // The first byte says how many bits of the last one are unused.
    let (unused, key) = bits.split_first()?;
    (algorithm.starts_with(&RSA) && *unused == 0).then_some(key)
}

/// Returns the tag and the content of the first DER element, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, first, rest @ ..] = der else { return None };
    let (length, rest) = match first {
        ..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_certificate_or_none(bytes: Vec<u8>) {
            public_key(&bytes);
            public_key(&[&[SEQUENCE, 0x82, 0x01, 0x00, SEQUENCE, 0x81, 0x90, VERSION], &*bytes].concat());
        }
    }

    #[test]
    fn lengths_of_one_and_more_bytes_are_read() {
        assert_eq!(element(&[2, 1, 7, 9]), Some((2, &[7][..], &[9][..])));
        assert_eq!(element(&[&[4, 0x81, 0x80][..], &[5; 128]].concat()).unwrap().1.len(), 128);
        for short in
            [&[][..], &[2], &[2, 1], &[2, 0x82, 1], &[2, 0x80, 0], &[2, 0x85, 0, 0, 0, 0, 0]]
        {
            assert_eq!(element(short), None, "{short:?}");
        }
    }
}
