//! Request bodies.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use tokio::time::timeout;

use crate::error::{ApiError, Code, Result};

/// The largest request body, in bytes.
const BODY: usize = 1_048_576;

/// How much of a body that is too large is read all the same.
const DRAINED: usize = 32 * BODY;

/// The body, or nothing if the client went away or is silent in the middle of it.
///
/// Reads on for a while where a body is too large: a client that is still writing when the
/// connection closes would not see the answer.
pub(super) async fn read(body: Body, silence: Duration) -> Option<Result<Bytes>> {
    let mut stream = body.into_data_stream();
    let (mut read, mut length) = (BytesMut::new(), 0);
    while let Some(piece) = timeout(silence, stream.next()).await.ok()? {
        let piece = piece.ok()?;
        length += piece.len();
        if length <= BODY {
            read.extend_from_slice(&piece);
        } else if length > DRAINED {
            break;
        }
    }
    Some(match length <= BODY {
        true => Ok(read.freeze()),
        false => Err(ApiError::from(Code::RequestBodyTooLarge).with("MaxLimit", BODY.to_string())),
    })
}
