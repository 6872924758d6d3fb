//! The text form of a principal: `client-id=…,secret=…,role=…`.

use std::str::FromStr;

use clap::ValueEnum;
use uuid::Uuid;

use super::{Principal, Proof, Role};

const PARTS: &str = "client-id, secret, expired-secret, certificate, federated, managed, role";

impl FromStr for Principal {
    type Err = String;

    /// Parses `client-id=GUID,secret=SECRET,role=ROLE`; every part but the first can be repeated.
    /// The certificate is a file. Errors contain no secret.
    fn from_str(text: &str) -> Result<Principal, String> {
        let mut client_id = None;
        let (mut proofs, mut roles) = (Vec::new(), Vec::new());
        for part in text.split(',') {
            let (name, value) =
                part.split_once('=').ok_or("a part is not of the form NAME=VALUE")?;
            match name {
                "client-id" => client_id = Some(guid(value)?),
                "role" => roles.push(Role::from_str(value, false).map_err(|_| wrong_role(value))?),
                _ => proofs.push(proof(name, value)?),
            }
        }
        let client_id = client_id.ok_or("client-id=GUID is missing")?;
        Ok(Principal { client_id, proofs, roles })
    }
}

fn guid(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| format!("client-id={text} is not a GUID"))
}

fn proof(name: &str, value: &str) -> Result<Proof, String> {
    Ok(match (name, value) {
        ("secret", secret) => Proof::Secret(secret.to_owned()),
        ("expired-secret", secret) => Proof::ExpiredSecret(secret.to_owned()),
        ("certificate", file) => Proof::Certificate(
            std::fs::read_to_string(file)
                .map_err(|error| format!("certificate={file}: {error}"))?,
        ),
        ("federated", subject) => Proof::Federated(subject.to_owned()),
        ("managed", "system") => Proof::SystemAssigned,
        ("managed", "user") => Proof::UserAssigned(None),
        ("managed", id) if id.starts_with('/') => Proof::UserAssigned(Some(id.to_owned())),
        ("managed", other) => {
            return Err(format!("managed={other} is none of system, user and a resource id"));
        }
        // Without its name, which may come from a secret with a comma.
        _ => return Err(format!("a part is none of {PARTS}")),
    })
}

fn wrong_role(given: &str) -> String {
    let names = Role::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let names: Vec<String> = names.map(|name| name.get_name().to_owned()).collect();
    format!("role={given} is none of {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "11111111-2222-3333-4444-555555555555";

    #[test]
    fn a_principal_is_read_with_all_that_it_names() {
        let client_id = ID.parse().unwrap();
        let cases = [
            (String::new(), Vec::new(), Vec::new()),
            (
                ",secret=a=b,expired-secret=old,role=azure-batch-job-submitter".to_owned(),
                vec![Proof::Secret("a=b".into()), Proof::ExpiredSecret("old".into())],
                vec![Role::AzureBatchJobSubmitter],
            ),
            (
                ",federated=system:serviceaccount:a:b,managed=system".to_owned(),
                vec![Proof::Federated("system:serviceaccount:a:b".into()), Proof::SystemAssigned],
                Vec::new(),
            ),
            (
                ",managed=user,managed=/a/b".to_owned(),
                vec![Proof::UserAssigned(None), Proof::UserAssigned(Some("/a/b".into()))],
                Vec::new(),
            ),
        ];
        for (text, proofs, roles) in cases {
            let expected = Principal { client_id, proofs, roles };
            assert_eq!(format!("client-id={ID}{text}").parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn the_part_that_is_wrong_is_named_without_its_secret() {
        for (text, named) in [
            ("secret=s3cret", "client-id=GUID is missing"),
            ("client-id=x,secret=s3cret", "client-id=x"),
            (&format!("client-id={ID},secret=s3cret,role=owner"), "azure-batch-data-contributor"),
            (&format!("client-id={ID},secret=a,s3cret=b"), "none of client-id, secret"),
            (&format!("client-id={ID},managed=none"), "managed=none"),
            (&format!("client-id={ID},s3cret"), "NAME=VALUE"),
            (&format!("client-id={ID},certificate=/no/such/file"), "/no/such/file"),
        ] {
            let error = text.parse::<Principal>().unwrap_err();
            assert!(error.contains(named) && !error.contains("s3cret"), "{text}: {error}");
        }
    }
}
