//! What becomes of a request at the gate.

use std::sync::Arc;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{Answer, Fault, Held, Plan, State};
use crate::http1::{Received, receive};

/// What the client gets.
enum Reply {
    Whole(Vec<u8>),
    /// As much as this, then the connection is closed.
    Part(Vec<u8>),
    Nothing,
}

pub(super) async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((connection, _)) = listener.accept().await {
        tokio::spawn(serve(connection, Arc::clone(&state)));
    }
}

/// Serves one connection until either side closes it.
async fn serve(connection: TcpStream, state: Arc<State>) {
    let mut connection = BufReader::new(connection);
    while let Some(request) = receive(&mut connection).await {
        let (place, plan) = state.take(&request);
        let reply = reply(&state, place, &request, plan).await;
        state.finish();
        // A client that has gone needs no answer.
        match reply {
            Reply::Whole(bytes) => drop(connection.write_all(&bytes).await),
            Reply::Part(bytes) => return drop(connection.write_all(&bytes).await),
            Reply::Nothing => {}
        }
    }
}

async fn reply(state: &State, place: usize, request: &Received, plan: Option<Plan>) -> Reply {
    match plan {
        Some(Plan::Fail(fault)) => fail(state, place, request, fault).await,
        Some(Plan::Say { status, code }) => Reply::Whole(Answer::error(status, code).to_bytes()),
        Some(Plan::Delay(held)) => {
            held.wait().await;
            Reply::Whole(state.forward(place, request).await.to_bytes())
        }
        Some(Plan::Hold(held)) => {
            let answer = state.forward(place, request).await;
            held.wait().await;
            Reply::Whole(answer.to_bytes())
        }
        None => Reply::Whole(state.forward(place, request).await.to_bytes()),
    }
}

async fn fail(state: &State, place: usize, request: &Received, fault: Fault) -> Reply {
    let answer = match fault.has_effect() {
        true => state.forward(place, request).await.to_half(),
        false => Vec::new(),
    };
    let status = |status, headers: &[_]| Reply::Whole(Answer::empty(status, headers).to_bytes());
    match fault {
        Fault::TooMany => status(429, &[]),
        Fault::TooManyWait | Fault::TooManyAfter => status(429, &[("retry-after", "1")]),
        Fault::Internal => status(500, &[]),
        Fault::Busy => status(503, &[]),
        Fault::DroppedBefore | Fault::DroppedAfter => Reply::Part(Vec::new()),
        Fault::CutShort => Reply::Part(answer),
        Fault::Stalled => Reply::Nothing,
        Fault::Refused => {
            state.refuse_next();
            Reply::Part(Vec::new())
        }
    }
}

impl Held {
    async fn wait(&self) {
        self.arrived.send_replace(true);
        self.released.subscribe().wait_for(|released| *released).await.unwrap();
    }
}
