//! The gate's faults, as a client sees them.

use azure_batch_emulator::{Emulator, Settings};
use reqwest::{Method, Response, StatusCode};

use super::{Fault, Gate, Step};

async fn ask(gate: &Gate, emulator: &Emulator) -> Result<Response, reqwest::Error> {
    let url = format!("{}/pools/p", emulator.endpoint());
    gate.client().request(Method::GET, url).send().await
}

#[tokio::test]
async fn every_fault_is_what_its_name_says() {
    let settings = Settings { key: "a2V5".to_owned(), ..Settings::default() };
    let emulator = Emulator::start(settings).await.unwrap();
    for fault in Fault::ALL {
        let gate = Gate::start().await;
        gate.fail(&Step::new("get pool", 1), fault);
        let answer = ask(&gate, &emulator).await;
        let seen = gate.has_answered("get pool");
        assert_eq!(seen, fault.has_effect(), "{fault}");
        assert!(gate.is_done() && is_as_named(fault, answer).await, "{fault}");
        let again = ask(&gate, &emulator).await;
        match fault {
            Fault::Refused => assert!(again.unwrap_err().is_connect()),
            _ => assert_eq!(again.unwrap().status(), StatusCode::FORBIDDEN, "{fault}"),
        }
    }
}

async fn is_as_named(fault: Fault, answer: Result<Response, reqwest::Error>) -> bool {
    let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
    match fault {
        Fault::TooMany => status == Some(429),
        Fault::TooManyWait | Fault::TooManyAfter => {
            status == Some(429) && answer.unwrap().headers()["retry-after"] == "1"
        }
        Fault::Internal => status == Some(500),
        Fault::Busy => status == Some(503),
        Fault::Refused | Fault::DroppedBefore | Fault::DroppedAfter => {
            answer.is_err_and(|error| error.is_request() && !error.is_timeout())
        }
        Fault::CutShort => answer.unwrap().bytes().await.is_err(),
        Fault::Stalled => answer.is_err_and(|error| error.is_timeout()),
    }
}
