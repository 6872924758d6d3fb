//! Keys that sign tokens: ECDSA on P-256 (`ES256`).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::error::Unspecified;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::jwt::Jwt;

/// A key with the id that tokens name it by.
pub(super) struct SigningKey {
    pair: EcdsaKeyPair,
    id: String,
    random: SystemRandom,
}

impl SigningKey {
    /// # Errors
    /// When this machine has no random numbers.
    pub(super) fn generate() -> Result<SigningKey, Unspecified> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random)
            .map_err(|_| Unspecified)?;
        Ok(SigningKey { pair, id: Uuid::new_v4().simple().to_string(), random })
    }

    /// Returns a token with these claims; `None` if this machine has no random numbers.
    pub(super) fn sign(&self, claims: &Value) -> Option<String> {
        let header = json!({"typ": "JWT", "alg": "ES256", "kid": self.id});
        let encoded = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = encoded.join(".");
        let signature = self.pair.sign(&self.random, signed.as_bytes()).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Returns the public key as a JSON Web Key.
    pub(super) fn public(&self) -> Value {
        // An uncompressed point: a byte that says so, and its two coordinates.
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
        json!({"kty": "EC", "use": "sig", "kid": self.id, "alg": "ES256", "crv": "P-256", "x": x, "y": y})
    }

    /// Returns whether a token is signed with this key.
    pub(super) fn signed(&self, token: &Jwt<'_>) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key());
        token.header("alg") == "ES256"
            && token.header("kid") == self.id
            && key.verify(token.signed.as_bytes(), &token.signature).is_ok()
    }
}
