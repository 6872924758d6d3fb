//! Lets a request meet its fault.

use std::future::Future;
use std::io;

use axum::body::{Body, HttpBody};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, RETRY_AFTER};
use futures::future::ready;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::task::yield_now;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Moment, Refusal, RequestFailure};
use crate::error::Code;
use crate::http::answer::{Answer, Caller};

impl Refusal {
    pub(super) fn code(self) -> Code {
        match self {
            Refusal::TooManyRequests => Code::TooManyRequests,
            Refusal::InternalError => Code::InternalError,
            Refusal::ServerBusy => Code::ServerBusy,
        }
    }
}

/// What becomes of a request by a failure. It is carried out when `carried_out` is awaited.
pub(in crate::http) async fn meet(
    what: RequestFailure,
    caller: &Caller,
    carried_out: impl Future<Output = Answer>,
    closing: &CancellationToken,
) -> Answer {
    match what {
        RequestFailure::Refused { by, when, retry_after } => {
            without_answer(when, carried_out).await;
            refused(caller, by, retry_after)
        }
        RequestFailure::Dropped(moment) => without_answer(moment, carried_out).await,
        RequestFailure::Stalled(moment) => {
            let answer = without_answer(moment, carried_out).await;
            closing.cancelled().await;
            answer
        }
        RequestFailure::Cut => cut(carried_out.await),
        RequestFailure::Delayed(time) => {
            tokio::select! {
                () = sleep(time) => {}
                () = closing.cancelled() => {}
            }
            carried_out.await
        }
    }
}

fn refused(caller: &Caller, by: Refusal, retry_after: Option<u32>) -> Answer {
    let mut answer = caller.answer(Err(by.code().into()));
    if let (Some(seconds), Some(response)) = (retry_after, &mut answer.response) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

async fn without_answer(moment: Moment, carried_out: impl Future<Output = Answer>) -> Answer {
    match moment {
        Moment::BeforeEffect => Answer::none(),
        Moment::AfterEffect => carried_out.await.dropped(),
    }
}

/// Half of the body of an answer that announces all of it.
fn cut(mut answer: Answer) -> Answer {
    let Some(response) = answer.response.take() else { return answer };
    let (mut parts, body) = response.into_parts();
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let announced = announced.and_then(|length| length.parse().ok());
    let length = announced.or(body.size_hint().exact()).unwrap_or(0);
    if length > 0 {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        let half = broken_off(body, length / 2);
        answer.response = Some(axum::response::Response::from_parts(parts, half));
    }
    answer
}

/// So many bytes of a body and then an error, by which the server closes the connection.
fn broken_off(body: Body, mut rest: u64) -> Body {
    let end = stream::once(async {
        // What came before is sent only when the body has nothing more to give at once.
        yield_now().await;
        Err(axum::Error::new(io::Error::other("a fault that was asked for")))
    });
    let pieces = body.into_data_stream().map_ok(move |mut piece| {
        piece.truncate(usize::try_from(rest).unwrap_or(usize::MAX));
        rest -= piece.len() as u64;
        piece
    });
    let pieces = pieces.try_take_while(|piece| ready(Ok(!piece.is_empty())));
    Body::from_stream(pieces.chain(end))
}
