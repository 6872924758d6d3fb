//! Who signs in to Batch, and what is said to those who cannot.

use super::*;
use crate::nodes::release;
use crate::support::next_attempt;

#[tokio::test]
async fn every_identity_runs_a_task_without_the_accounts_key() {
    let tenant = Tenant::start().await;
    for (number, (properties, variables)) in tenant.identities().into_iter().enumerate() {
        let report = tenant.run(properties, &variables).await;
        assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{number}: {report:?}");
        assert_eq!(report.stdout, ["hello"], "{number}");
        assert_eq!(tenant.tokens_asked_for(), number + 1);
        assert!(!format!("{report:?}").contains("canary"));
    }
    assert!(tenant.lab.blobs().await.is_empty());
}

#[tokio::test]
async fn an_identity_that_cannot_sign_in_is_refused_by_the_property_that_is_to_blame() {
    let tenant = Tenant::start().await;
    let other = make_certificate(&tenant.directory, "other");
    let unknown = "99999999-0000-4000-8000-000000000009";
    let with = |name: &str, value: &str| {
        let mut properties = secret(CLIENT);
        properties[name] = json!(value);
        properties
    };
    let certificate = json!({"tenantId": TENANT, "clientId": CLIENT, "pemCertificate": other});
    let workload = json!({"tenantId": TENANT, "clientId": CLIENT});
    let cases = [
        (with("clientSecret", "canary~wrong"), vec![], "clientSecret: ", "AADSTS7000215"),
        (with("clientSecret", EXPIRED), vec![], "clientSecret: it has expired", "AADSTS7000222"),
        (with("clientId", unknown), vec![], "clientId: ", "AADSTS700016"),
        (with("tenantId", unknown), vec![], "tenantId: ", "AADSTS90002"),
        (certificate, vec![], "pemCertificate: ", "AADSTS700027"),
        (workload, vec![tenant.federated("somebody")], "clientId: no federated", "AADSTS700213"),
        (json!({"clientId": unknown}), vec![], "clientId: this machine", "Identity not found"),
    ];
    for (properties, variables, start, code) in cases {
        let report = tenant.run(properties, &variables).await;
        let message = report.outcome().message.clone().unwrap();
        assert_eq!(report.outcome().status, Status::Invalid, "{message}");
        assert!(message.starts_with(start) && message.contains(code), "{start}: {message}");
        assert!(!message.contains("canary"), "{message}");
    }
    let others = tenant.lab.changes().into_iter().filter(|change| !change.ends_with("/token"));
    assert_eq!(others.collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test]
async fn an_identity_that_the_account_does_not_let_in_is_told_what_it_lacks() {
    let tenant = Tenant::start().await;
    let mut of_other_tenant = secret(CLIENT);
    of_other_tenant["tenantId"] = json!(OTHER_TENANT);
    for (properties, start, next) in [
        (
            of_other_tenant,
            "clientId: the service principal",
            "tenant of the account's subscription",
        ),
        (secret(NOBODY), "clientId: the service principal", "'Azure Batch Job Submitter'"),
    ] {
        let report = tenant.run(properties, &[]).await;
        let message = report.outcome().message.clone().unwrap();
        assert_eq!(report.outcome().status, Status::Invalid, "{message}");
        assert!(message.starts_with(start) && message.contains(next), "{message}");
    }
    let report = tenant.run(secret(READER), &[]).await;
    let message = report.outcome().message.clone().unwrap();
    assert_eq!(report.outcome().status, Status::Failed, "{message}");
    assert!(message.contains("'Azure Batch Job Submitter'"), "{message}");
    assert!(tenant.lab.jobs().await.is_empty());
    assert!(tenant.lab.blobs().await.is_empty());
}

#[tokio::test]
async fn a_clock_that_is_off_is_named() {
    for clock_offset in [-120, 120] {
        let settings = Settings { clock_offset, ..usual() };
        let tenant = Tenant::start_with(settings, HOUR).await;
        let report = tenant.run(secret(CLIENT), &[]).await;
        let message = report.outcome().message.clone().unwrap();
        assert!(message.contains("this machine's clock"), "{clock_offset}: {message}");
    }
}

#[tokio::test]
async fn a_run_outlives_its_tokens_with_a_few_requests_for_new_ones() {
    let tenant = Tenant::start_with(usual(), Duration::from_secs(2)).await;
    let request = tenant.request("for n in 1 2 3 4 5 6; do echo $n; sleep 1; done", secret(CLIENT));
    let report = start(&request, &tenant.worker(&[])).ended().await;
    assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    assert_eq!(report.stdout, ["1", "2", "3", "4", "5", "6"]);
    let (asked, all) = (tenant.tokens_asked_for(), tenant.lab.emulator.requests().len());
    assert!((3..=all / 3).contains(&asked), "{asked} of {all}");
}

#[tokio::test]
async fn a_worker_with_another_identity_goes_on_with_the_run() {
    let tenant = Tenant::start().await;
    let script = "echo begins; until [ -e go ]; do sleep 0.1; done; echo ends";
    let request = tenant.request(script, secret(CLIENT));
    let mut first = start(&request, &tenant.worker(&[]));
    first.until_line("begins").await;
    drop(first.leave());
    let mut next = next_attempt(&request);
    next["clientId"] = json!(ASSIGNED);
    next["clientSecret"] = json!(null);
    next["tenantId"] = json!(null);
    let second = start(&next, &tenant.worker(&[]));
    release(&tenant.lab, "no node").await;
    let report = second.ended().await;
    assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    assert_eq!(tenant.lab.jobs_created(), 1);
}

#[tokio::test]
async fn an_issuer_that_is_down_for_a_moment_stops_nobody_and_one_that_stays_down_is_named() {
    let fault = |text: &str| vec![text.parse().unwrap()];
    let settings = Settings { faults: fault("get-token#1=503"), ..usual() };
    let tenant = Tenant::start_with(settings, HOUR).await;
    let report = tenant.run(secret(CLIENT), &[]).await;
    assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    let settings = Settings { faults: fault("get-token=503"), ..usual() };
    let tenant = Tenant::start_with(settings, HOUR).await;
    let report = tenant.run(secret(CLIENT), &[]).await;
    let message = report.outcome().message.clone().unwrap();
    assert_eq!(report.outcome().status, Status::Failed);
    assert!(message.contains("cannot sign in as service principal"), "{message}");
    assert!(message.contains(&tenant.issuer.address), "{message}");
}

#[tokio::test]
async fn runs_of_one_worker_share_their_tokens() {
    let tenant = Tenant::start().await;
    let worker = tenant.worker(&[]);
    let request = tenant.request("echo done", secret(CLIENT));
    let runs = (0..4).map(|_| start(&renamed(&request), &worker).ended());
    for report in futures::future::join_all(runs).await {
        assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    }
    assert_eq!(tenant.tokens_asked_for(), 1);
}
