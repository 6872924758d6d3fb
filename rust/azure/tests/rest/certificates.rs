//! Service principals that have a certificate.

use crate::identities::{CLIENT, Cloud, HOUR, TENANT, form, token};
use azure::identity::{Certificate, Identity};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;
use std::{fs, path::Path, process::Command};

#[tokio::test]
async fn a_certificate_signs_a_statement_that_its_public_part_proves() {
    let directory = tempfile::tempdir().unwrap();
    let pem = make_certificate(directory.path(), "rsa:2048");
    let certificate = Certificate::from_pem(&pem).unwrap();
    let cloud = Cloud::start(1, [token("a", HOUR)]).await;
    let identity = Identity::with_certificate(TENANT, CLIENT, certificate).unwrap();
    cloud.client(identity).get_pool("p").await.unwrap();
    let form = form(&cloud.issuer.received()[0]);
    let assertion = &form["client_assertion"];
    let [header, claims] = [0, 1].map(|part| decoded(assertion, part));
    let thumbprint = openssl(directory.path(), "x509 -in c.pem -noout -fingerprint -sha256");
    let thumbprint = thumbprint.trim().rsplit('=').next().unwrap().replace(':', "");
    assert_eq!(header["alg"], "RS256");
    assert_eq!(hex(&header["x5t#S256"]), thumbprint.to_lowercase());
    assert_eq!(claims["aud"], format!("{}/{TENANT}/oauth2/v2.0/token", cloud.authority()));
    assert_eq!((&claims["iss"], &claims["sub"]), (&CLIENT.into(), &CLIENT.into()));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap(), 600);
    check_signature(assertion, directory.path());
}

#[test]
fn certificates_are_taken_as_people_paste_them() {
    let directory = tempfile::tempdir().unwrap();
    let pem = make_certificate(directory.path(), "rsa:2048");
    let key = pem.find("-----BEGIN CERTIFICATE").unwrap();
    let turned = format!("{}{}", &pem[key..], &pem[..key]);
    let old = openssl(directory.path(), "rsa -in k.pem -traditional") + &pem[key..];
    for good in [&pem, &turned, &old, &pem.replace('\n', "\\n"), &pem.replace('\n', "\r\n")] {
        Certificate::from_pem(good).unwrap();
    }
}

#[test]
fn certificates_that_cannot_be_used_are_refused_without_showing_them() {
    let directory = tempfile::tempdir().unwrap();
    let pem = make_certificate(directory.path(), "rsa:2048");
    let (key, certificate) = pem.split_at(pem.find("-----BEGIN CERTIFICATE").unwrap());
    let encrypted = openssl(directory.path(), "pkey -in k.pem -aes256 -passout pass:x");
    let curve = make_certificate(directory.path(), "ec -pkeyopt ec_paramgen_curve:P-256");
    let small = make_certificate(directory.path(), "rsa:1024");
    for (bad, reason) in [
        ("", "there is no certificate in it"),
        ("canary", "there is no certificate in it"),
        (key, "there is no certificate in it"),
        (certificate, "there is no private key in it"),
        (&pem[..pem.len() / 2], "there is no certificate in it"),
        (&format!("{encrypted}{certificate}"), "is encrypted"),
        (&curve, "cannot be used"),
        (&small, "cannot be used"),
    ] {
        let error = Certificate::from_pem(bad).unwrap_err().to_string();
        assert!(error.contains(reason), "{reason}: {error}");
        assert!(error.len() < 300 && !error.contains("canary"), "{error}");
    }
}

/// A new key and its certificate: `k.pem`, `c.pem`, and both as one text.
fn make_certificate(directory: &Path, kind: &str) -> String {
    let options =
        format!("req -x509 -newkey {kind} -nodes -days 2 -subj /CN=us -keyout k.pem -out c.pem");
    openssl(directory, &options);
    ["k.pem", "c.pem"].map(|name| fs::read_to_string(directory.join(name)).unwrap()).concat()
}

fn openssl(directory: &Path, options: &str) -> String {
    let mut openssl = Command::new("openssl");
    let output = openssl.args(options.split_whitespace()).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn decoded(token: &str, part: usize) -> Value {
    let part = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(part).unwrap()).unwrap();
    serde_json::from_slice(&part).unwrap()
}

fn hex(base64: &Value) -> String {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(base64.as_str().unwrap()).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check_signature(assertion: &str, directory: &Path) {
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    openssl(directory, "rsa -in k.pem -RSAPublicKey_out -outform DER -out public.der");
    let key = fs::read(directory.join("public.der")).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(signed.as_bytes(), &signature).unwrap();
}
