//! Who signs in to Batch, and what is said to those who cannot.

use futures::future::join_all;

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

/// What each of these identities is told, and that nothing was created.
async fn refusals(tenant: &Tenant, identities: Vec<Identity>) -> Vec<String> {
    let runs = identities.iter().map(|(properties, variables)| async move {
        let report = tenant.run(properties.clone(), variables).await;
        let message = report.message().to_owned();
        assert_eq!(report.outcome().status, Status::Invalid, "{message}");
        assert!(message.starts_with("clientId: the ") && !message.contains("canary"), "{message}");
        message
    });
    let messages = join_all(runs).await;
    assert_eq!(tenant.lab.jobs_created(), 0);
    assert!(tenant.lab.blobs().await.is_empty());
    messages
}

#[tokio::test]
async fn each_identity_that_has_no_role_on_the_account_is_told_which_one_to_give_to_it() {
    let tenant = Tenant::start_as(&[], usual(), HOUR).await;
    for message in refusals(&tenant, tenant.identities()).await {
        assert!(message.contains("'Azure Batch Job Submitter'"), "{message}");
    }
}

#[tokio::test]
async fn each_identity_of_another_tenant_is_told_so() {
    let tenant = Tenant::start().await;
    for message in refusals(&tenant, tenant.identities_of(OTHER_TENANT)).await {
        assert!(message.contains("tenant of the account's subscription"), "{message}");
    }
}

#[tokio::test]
async fn a_role_that_is_too_small_is_named() {
    let tenant = Tenant::start().await;
    let report = tenant.run(secret(READER), &[]).await;
    let message = report.message();
    assert_eq!(report.outcome().status, Status::Failed, "{message}");
    assert!(message.contains("'Azure Batch Job Submitter'"), "{message}");
    assert!(tenant.lab.jobs().await.is_empty());
    assert!(tenant.lab.blobs().await.is_empty());
}

#[tokio::test]
async fn a_clock_that_is_off_is_named_to_each_identity() {
    for clock_offset in [-120, 120] {
        let tenant = Tenant::start_with(Settings { clock_offset, ..usual() }, HOUR).await;
        for message in refusals(&tenant, tenant.identities()).await {
            assert!(message.contains("this machine's clock"), "{clock_offset}: {message}");
        }
    }
}

#[tokio::test]
async fn each_identity_outlives_its_tokens_with_a_few_requests_for_new_ones() {
    let tenant = Tenant::start_with(usual(), Duration::from_secs(2)).await;
    let runs = tenant.identities().into_iter().map(|(properties, variables)| {
        let script = "for n in 1 2 3 4 5 6; do echo $n; sleep 1; done";
        let request = renamed(&tenant.request(script, properties));
        start(&request, &tenant.worker(&variables)).ended()
    });
    let runs: Vec<_> = runs.collect();
    let count = runs.len();
    for report in join_all(runs).await {
        assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
        assert_eq!(report.stdout, ["1", "2", "3", "4", "5", "6"]);
    }
    let (asked, all) = (tenant.tokens_asked_for(), tenant.lab.emulator.requests().len());
    assert!((3 * count..=all / 3).contains(&asked), "{asked} of {all}");
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
async fn an_issuer_that_is_down_for_a_moment_stops_nobody() {
    let faults = ["get-token#1=503", "get-identity-token#1=503"].map(|text| text.parse().unwrap());
    let settings = Settings { faults: faults.to_vec(), ..usual() };
    let tenant = Tenant::start_with(settings, HOUR).await;
    for (properties, variables) in tenant.identities() {
        let report = tenant.run(properties, &variables).await;
        assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    }
    assert!(tenant.lab.emulator.faults().iter().all(|fault| fault.fired == 1));
}

#[tokio::test]
async fn an_issuer_that_stays_down_is_named_to_each_identity() {
    let faults = ["get-token=503", "get-identity-token=503"].map(|text| text.parse().unwrap());
    let settings = Settings { faults: faults.to_vec(), ..usual() };
    let tenant = Tenant::start_with(settings, HOUR).await;
    let runs = tenant.identities();
    let runs = runs.iter().map(|(properties, variables)| tenant.run(properties.clone(), variables));
    for report in join_all(runs).await {
        let message = report.message();
        assert_eq!(report.outcome().status, Status::Failed, "{message}");
        assert!(
            message.starts_with("accessKey: it is not set, and cannot sign in as "),
            "{message}"
        );
        assert!(message.contains("127.0.0.1:") && !message.contains("canary"), "{message}");
    }
    assert_eq!(tenant.lab.jobs_created(), 0);
}

#[tokio::test]
async fn an_issuer_that_is_slow_delays_a_run_and_no_more() {
    let faults = ["get-token=delay,ms=1500", "get-identity-token=delay,ms=1500"];
    let faults = faults.map(|text| text.parse().unwrap()).to_vec();
    let tenant = Tenant::start_with(Settings { faults, ..usual() }, HOUR).await;
    let runs = tenant.identities();
    let runs = runs.iter().map(|(properties, variables)| tenant.run(properties.clone(), variables));
    for report in join_all(runs).await {
        assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    }
}

#[tokio::test]
async fn runs_of_one_worker_share_their_tokens() {
    let tenant = Tenant::start().await;
    let worker = tenant.worker(&[]);
    let request = tenant.request("echo done", secret(CLIENT));
    let runs = (0..4).map(|_| start(&renamed(&request), &worker).ended());
    for report in join_all(runs).await {
        assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    }
    assert_eq!(tenant.tokens_asked_for(), 1);
}
