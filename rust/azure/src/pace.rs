//! Whether a request and its answer make progress. A time limit for the whole would refuse a large
//! body, or one of many that share a connection; a limit for the time without progress does not.

use crate::error::{Error, Result};
use bytes::Bytes;
use futures::{Stream, stream};
use std::{convert::Infallible, future::Future, pin::pin, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

/// A transfer that works never stalls for so long.
const LONGEST_STALL: Duration = Duration::from_secs(60);

/// What must come within [`LONGEST_STALL`], in bytes, while more is to come.
const LEAST: usize = 16 * 1024;

/// A body is sent in pieces of this size: at 4 MB/s, one in 32 requests moves one in 2 s.
const SLICE: usize = 256 * 1024;

/// The pace of one request and its answer. Clones are about the same request.
#[derive(Clone, Debug)]
pub(crate) struct Pace(watch::Sender<Window>);

/// The time in which the next [`LEAST`] bytes must move.
#[derive(Clone, Copy, Debug)]
struct Window {
    since: Instant,
    bytes: usize,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Window::new()))
    }

    /// A step is done: there is time for the next one.
    pub(crate) fn restart(&self) {
        self.0.send_replace(Window::new());
    }

    /// So many bytes came.
    pub(crate) fn received(&self, bytes: usize) {
        self.0.send_modify(|window| {
            window.bytes += bytes;
            if window.bytes >= LEAST {
                *window = Window::new();
            }
        });
    }

    /// Waits for `step` while something moves.
    ///
    /// # Errors
    /// An `Unreachable` error once nothing, or next to nothing, moved for [`LONGEST_STALL`].
    pub(crate) async fn keep<T>(&self, step: impl Future<Output = T>) -> Result<T> {
        let mut step = pin!(step);
        loop {
            let since = self.window().since;
            if let Ok(done) = timeout_at(since + LONGEST_STALL, &mut step).await {
                return Ok(done);
            }
            let window = self.window();
            if window.since == since {
                return Err(window.too_slow());
            }
        }
    }

    /// A body whose progress is noted. Nothing is copied.
    pub(crate) fn slices(
        &self,
        body: Bytes,
    ) -> impl Stream<Item = std::result::Result<Bytes, Infallible>> + Send + 'static {
        let pace = self.clone();
        stream::unfold(body, move |mut rest| {
            pace.restart();
            let slice = rest.split_to(rest.len().min(SLICE));
            let next = (!slice.is_empty()).then_some((Ok(slice), rest));
            std::future::ready(next)
        })
    }

    fn window(&self) -> Window {
        *self.0.borrow()
    }
}

impl Window {
    fn new() -> Self {
        Self { since: Instant::now(), bytes: 0 }
    }

    fn too_slow(self) -> Error {
        let seconds = LONGEST_STALL.as_secs();
        Error::unreachable(match self.bytes {
            0 => format!("not a byte was sent or received for {seconds} s"),
            bytes => format!("only {bytes} bytes of the answer came within {seconds} s"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use futures::StreamExt;
    use std::future::pending;
    use tokio::time::sleep;

    #[tokio::test(start_paused = true)]
    async fn what_stands_still_is_given_up_after_a_minute() {
        let start = Instant::now();
        let error = Pace::new().keep(pending::<()>()).await.unwrap_err();
        assert_eq!(start.elapsed(), LONGEST_STALL);
        assert_eq!(error.to_string(), "not a byte was sent or received for 60 s");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unreachable, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_a_second_is_as_good_as_nothing() {
        let pace = Pace::new();
        let drips = async {
            for _ in 0..LEAST {
                sleep(Duration::from_secs(1)).await;
                pace.received(1);
            }
        };
        let error = pace.keep(drips).await.unwrap_err();
        assert_eq!(error.to_string(), "only 60 bytes of the answer came within 60 s");
    }

    #[tokio::test(start_paused = true)]
    async fn what_gets_on_may_take_hours() {
        let pace = Pace::new();
        let slow = async {
            for _ in 0..200 {
                sleep(Duration::from_secs(55)).await;
                pace.received(LEAST);
            }
        };
        pace.keep(slow).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_on_its_way_gives_the_answer_its_time_with_each_slice() {
        let pace = Pace::new();
        let body = Bytes::from(vec![7; 8 * SLICE + 1]);
        let mut slices = Box::pin(pace.slices(body.clone()));
        let send = async {
            let mut sent = Vec::new();
            while let Some(Ok(slice)) = slices.next().await {
                sent.extend_from_slice(&slice);
                sleep(Duration::from_secs(55)).await;
            }
            sleep(Duration::from_secs(55)).await;
            sent
        };
        assert_eq!(pace.keep(send).await.unwrap(), body);
    }
}
