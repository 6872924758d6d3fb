//! Applies a fault to a request.

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

use super::{FailurePoint, Refusal, RequestFailure};
use crate::error::Code;
use crate::http::answer::Answer;
use crate::http::reply::BodyLength;

impl Refusal {
    pub(super) fn code(self) -> Code {
        match self {
            Refusal::TooManyRequests => Code::TooManyRequests,
            Refusal::InternalError => Code::InternalError,
            Refusal::ServerBusy => Code::ServerBusy,
        }
    }
}

/// Returns the response to a request under this failure. The request is carried out when
/// `carried_out` is awaited; `refuse` returns the response with an error.
pub(in crate::http) async fn apply(
    failure: RequestFailure,
    carried_out: impl Future<Output = Answer>,
    refuse: impl FnOnce(Code) -> Answer,
    closing: &CancellationToken,
) -> Answer {
    match failure {
        RequestFailure::Refused { by, point, retry_after } => {
            drop_answer(point, carried_out).await;
            with_retry_after(refuse(by.code()), retry_after)
        }
        RequestFailure::Dropped(point) => drop_answer(point, carried_out).await,
        RequestFailure::Stalled(point) => {
            let answer = drop_answer(point, carried_out).await;
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

fn with_retry_after(mut answer: Answer, retry_after: Option<u32>) -> Answer {
    if let (Some(seconds), Some(response)) = (retry_after, &mut answer.response) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

async fn drop_answer(point: FailurePoint, carried_out: impl Future<Output = Answer>) -> Answer {
    match point {
        FailurePoint::BeforeEffect => Answer::none(),
        FailurePoint::AfterEffect => carried_out.await.dropped(),
    }
}

/// Cuts the body of a response in half and keeps its `Content-Length`, if it has one.
fn cut(mut answer: Answer) -> Answer {
    let Some(response) = answer.response.take() else { return answer };
    let (mut parts, body) = response.into_parts();
    let chunked = parts.extensions.get::<BodyLength>().map(|length| length.0);
    let length = chunked.or(body.size_hint().exact()).unwrap_or(0);
    if length > 0 {
        if chunked.is_none() {
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let half = truncated(body, length / 2);
        answer.response = Some(axum::response::Response::from_parts(parts, half));
    }
    answer
}

/// Returns the first bytes of a body followed by an error, on which the server closes the
/// connection.
fn truncated(body: Body, mut rest: u64) -> Body {
    let end = stream::once(async {
        // The server sends what it has only when the body is pending.
        yield_now().await;
        Err(axum::Error::new(io::Error::other("injected fault")))
    });
    let pieces = body.into_data_stream().map_ok(move |mut piece| {
        piece.truncate(usize::try_from(rest).unwrap_or(usize::MAX));
        rest -= piece.len() as u64;
        piece
    });
    let pieces = pieces.try_take_while(|piece| ready(Ok(!piece.is_empty())));
    Body::from_stream(pieces.chain(end))
}

#[cfg(test)]
mod tests {
    use axum::response::Response;
    use bytes::Bytes;

    use super::*;

    #[tokio::test]
    async fn half_of_an_answer_is_cut_off_without_reading_all_of_it() {
        let endless = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[0; 1000])));
        let response = Response::builder().extension(BodyLength(1 << 62));
        let response = response.body(Body::from_stream(endless)).unwrap();
        let answer = Answer { response: Some(response), status: 200, code: None };
        let (parts, body) = cut(answer).response.unwrap().into_parts();
        assert!(!parts.headers.contains_key(CONTENT_LENGTH));
        assert_eq!(body.into_data_stream().next().await.unwrap().unwrap().len(), 1000);
        let pieces: Vec<_> =
            truncated(Body::from("0123456789"), 5).into_data_stream().collect().await;
        assert_eq!(pieces[0].as_deref().unwrap(), b"01234");
        assert!(pieces.len() == 2 && pieces[1].is_err());
    }
}
