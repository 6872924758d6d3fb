//! Work that may wait for a disk, or for the system to find a name: on few threads, however many runs there are.

use std::{thread, time::Duration};

use tokio::{
    sync::{Semaphore, oneshot},
    task::{JoinHandle, spawn, spawn_blocking},
    time::timeout,
};

/// So many pieces of work at once, unless some of them wait long. More save no time where nothing waits.
const PLACES: usize = 2;

/// Whoever takes longer is taken to wait, and gives its place to another: a disk that stands still costs threads, and
/// holds nobody else up.
const LONG: Duration = Duration::from_millis(5);

static FREE: Semaphore = Semaphore::const_new(PLACES);

/// Waits for a place and begins this work on a thread that may wait. It goes on where nobody waits for it any more;
/// where the caller gives up before it has begun, it never begins.
pub async fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    // It is never closed.
    let place = FREE.acquire().await;
    let (working, ended) = oneshot::channel::<()>();
    let ended = timeout(LONG, ended);
    spawn(async move {
        let _place = place;
        if ended.await.is_ok() {
            // The thread is about to be free. Whoever comes before that would get another one.
            thread::yield_now();
        }
    });
    spawn_blocking(move || {
        let _working = working;
        work()
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, pin::pin, sync::mpsc, task::Poll, thread::ThreadId};

    use futures::{future::join_all, poll};
    use tokio::{runtime::Builder, task, time::advance};

    use super::*;

    /// Work that goes on until this is dropped.
    struct Stuck(mpsc::Sender<()>, JoinHandle<()>);

    impl Stuck {
        async fn begin() -> Self {
            let (stop, stopped) = mpsc::channel();
            Self(stop, begin(move || assert!(stopped.recv().is_err())).await)
        }

        async fn end(self) {
            drop(self.0);
            self.1.await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_is_under_way_than_there_are_places() {
        let [first, _second] = [Stuck::begin().await, Stuck::begin().await];
        let mut third = pin!(begin(|| "begun"));
        assert!(poll!(&mut third).is_pending());
        first.end().await;
        assert_eq!(third.await.await.unwrap(), "begun");
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_nobody_waits_for_any_more_keeps_its_place_until_it_ends() {
        let [first, second] = [Stuck::begin().await, Stuck::begin().await];
        drop(first.1);
        let mut third = pin!(begin(|| "begun"));
        assert!(poll!(&mut third).is_pending());
        drop(first.0);
        assert_eq!(third.await.await.unwrap(), "begun");
        second.end().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_long_holds_nobody_up() {
        let [_first, _second] = [Stuck::begin().await, Stuck::begin().await];
        let mut third = pin!(begin(|| "begun"));
        assert!(poll!(&mut third).is_pending());
        // Whoever watches over the two has begun to do so.
        task::yield_now().await;
        advance(LONG).await;
        task::yield_now().await;
        let Poll::Ready(third) = poll!(third) else { panic!("it is held up") };
        assert_eq!(third.await.unwrap(), "begun");
    }

    /// Many that do many short pieces of work each, on threads of their own.
    fn threads_of_a_crowd() -> HashSet<ThreadId> {
        let work = || async {
            let mut threads = HashSet::new();
            for _ in 0..20 {
                threads.insert(begin(|| thread::current().id()).await.await.unwrap());
            }
            threads
        };
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
        let crowd = (0..100).map(|_| runtime.spawn(work()));
        let threads = runtime.block_on(join_all(crowd));
        threads.into_iter().flat_map(Result::unwrap).collect()
    }

    /// On a busy machine a thread may be held up between its work and being free, so that there are some more.
    #[test]
    fn a_crowd_takes_few_threads() {
        let threads = threads_of_a_crowd().len();
        assert!(threads <= 4 * PLACES, "{threads} threads");
    }
}
