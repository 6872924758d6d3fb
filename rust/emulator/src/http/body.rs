//! Request bodies.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use tokio::time::timeout;

use crate::error::{ApiError, Code, Result};

/// The largest request body, in bytes.
const MAX_BODY: usize = 1_048_576;

/// How many bytes of a body that is too large are still read.
const MAX_DRAINED: usize = 32 * MAX_BODY;

/// Reads the body. Returns `None` if the client disconnects, or sends nothing for too long.
///
/// A body that is too large is read on up to a limit: a client that is still sending when the
/// connection closes would not see the response.
pub(super) async fn read(body: Body, idle_timeout: Duration) -> Option<Result<Bytes>> {
    let mut stream = body.into_data_stream();
    let (mut read, mut length) = (BytesMut::new(), 0);
    while let Some(piece) = timeout(idle_timeout, stream.next()).await.ok()? {
        let piece = piece.ok()?;
        length += piece.len();
        if length <= MAX_BODY {
            read.extend_from_slice(&piece);
        } else if length > MAX_DRAINED {
            break;
        }
    }
    Some(match length <= MAX_BODY {
        true => Ok(read.freeze()),
        false => {
            Err(ApiError::from(Code::RequestBodyTooLarge).with("MaxLimit", MAX_BODY.to_string()))
        }
    })
}
