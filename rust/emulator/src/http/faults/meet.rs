//! Lets a request meet its fault.

use std::future::Future;
use std::io;

use axum::body::{Body, to_bytes};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, RETRY_AFTER};
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use tokio::task::yield_now;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Moment, Refusal, RequestFailure};
use crate::error::{ApiError, Code};
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
        RequestFailure::Refused { by, retry_after } => refused(caller, by, retry_after),
        RequestFailure::Dropped(moment) => without_answer(moment, carried_out).await,
        RequestFailure::Stalled(moment) => {
            let answer = without_answer(moment, carried_out).await;
            closing.cancelled().await;
            answer
        }
        RequestFailure::Cut => cut(carried_out.await).await,
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
    let error = ApiError::from(by.code()).with("Reason", "a fault that was asked for");
    let mut answer = caller.answer(Err(error));
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
async fn cut(mut answer: Answer) -> Answer {
    let Some(response) = answer.response.take() else { return answer };
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if !whole.is_empty() {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(whole.len()));
        let half = broken_off(whole.slice(..whole.len() / 2));
        answer.response = Some(axum::response::Response::from_parts(parts, half));
    }
    answer
}

/// A body that ends with an error, by which the server closes the connection.
fn broken_off(bytes: Bytes) -> Body {
    let end = stream::once(async {
        // What came before is sent only when the body has nothing more to give at once.
        yield_now().await;
        Err(io::Error::other("a fault that was asked for"))
    });
    Body::from_stream(stream::iter([Ok(bytes)]).chain(end))
}
