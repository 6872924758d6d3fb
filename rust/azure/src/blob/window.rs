//! How many requests of a run are under way at once: more and more while the service takes them, half as many once it
//! is busy. So a long path is filled, and a busy account is left alone.
//!
//! 2,000 files of 4 KiB to a service that takes 2 ms for each took 1.0 to 1.2 s instead of the 1.9 to 2.1 s of 32 at once
//! at a round trip of 25 ms, and 3.6 to 4.3 s instead of 6.7 to 7.1 s at 100 ms (2026-11-30). With Azurite, which has
//! one thread, nothing is gained.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

/// Of a run that begins.
const FIRST: usize = 16;

/// A run's share of the bytes in flight has room for as many small parts.
const MOST: usize = 64;

/// The requests that may be under way.
#[derive(Debug)]
pub(super) struct Window {
    room: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    /// Requests under way above the limit.
    excess: usize,
    /// Answers since the limit was last changed.
    answered: usize,
    /// When the service was last found busy. Requests that began before say nothing new.
    cut: Option<Instant>,
}

/// A request under way. Dropping it gives its place to another.
pub(super) struct Pass<'a> {
    window: &'a Window,
    permit: Option<SemaphorePermit<'a>>,
    began: Instant,
}

impl Window {
    pub(super) fn new() -> Self {
        let state = State { limit: FIRST, excess: 0, answered: 0, cut: None };
        Self { room: Semaphore::new(FIRST), state: Mutex::new(state) }
    }

    /// Waits for a place.
    pub(super) async fn enter(&self) -> Pass<'_> {
        // It is never closed.
        let permit = self.room.acquire().await.ok();
        Pass { window: self, permit, began: Instant::now() }
    }

    /// Twice as many in each round trip at first, one more in each after the service was busy.
    fn grow(&self) {
        let mut state = self.state();
        state.answered += 1;
        let enough = if state.cut.is_some() { state.limit } else { 1 };
        let is_full = self.room.available_permits() == 0;
        if state.limit < MOST && state.excess == 0 && is_full && state.answered >= enough {
            (state.limit, state.answered) = (state.limit + 1, 0);
            self.room.add_permits(1);
        }
    }

    fn halve(&self, began: Instant) {
        let mut state = self.state();
        if state.cut.is_some_and(|cut| began <= cut) {
            return;
        }
        let less = state.limit / 2;
        let excess = state.excess + less - self.room.forget_permits(less);
        *state =
            State { limit: state.limit - less, excess, answered: 0, cut: Some(Instant::now()) };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The request was answered, or not: `busy` says whether the service had no time for it.
    pub(super) fn leave(self, busy: bool) {
        if busy { self.window.halve(self.began) } else { self.window.grow() }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.window.state();
        if state.excess > 0 {
            state.excess -= 1;
            self.permit.take().into_iter().for_each(SemaphorePermit::forget);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering::Relaxed},
        time::Duration,
    };

    use futures::{FutureExt, StreamExt, stream};
    use tokio::time::sleep;

    use super::*;

    const REQUESTS: usize = 2_000;

    /// A service with a round trip that refuses what is above its capacity.
    struct Service {
        round_trip: Duration,
        capacity: usize,
        under_way: AtomicUsize,
        refused: AtomicUsize,
    }

    impl Service {
        fn new(round_trip: u64, capacity: usize) -> Self {
            let round_trip = Duration::from_millis(round_trip);
            Self { round_trip, capacity, under_way: 0.into(), refused: 0.into() }
        }

        async fn takes(&self) -> bool {
            let is_taken = self.under_way.fetch_add(1, Relaxed) < self.capacity;
            sleep(self.round_trip).await;
            self.under_way.fetch_sub(1, Relaxed);
            self.refused.fetch_add(usize::from(!is_taken), Relaxed);
            is_taken
        }

        /// The round trips that so many requests take, repeated until they are taken.
        async fn serve(&self, at_once: usize, window: Option<&Window>) -> f64 {
            let start = Instant::now();
            let request = async || loop {
                let pass = match window {
                    Some(window) => Some(window.enter().await),
                    None => None,
                };
                let is_taken = self.takes().await;
                pass.into_iter().for_each(|pass| pass.leave(!is_taken));
                if is_taken {
                    break;
                }
                sleep(4 * self.round_trip).await;
            };
            stream::iter(0..REQUESTS).map(|_| request()).buffer_unordered(at_once).count().await;
            start.elapsed().as_secs_f64() / self.round_trip.as_secs_f64()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_path_is_filled_with_twice_as_many_requests_as_a_fixed_number_would_do() {
        for round_trip in [25, 100] {
            let fixed = Service::new(round_trip, usize::MAX).serve(32, None).await;
            let window = Window::new();
            let adaptive = Service::new(round_trip, usize::MAX).serve(MOST, Some(&window)).await;
            assert!(adaptive < 0.6 * fixed, "{adaptive} and {fixed} round trips");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_service_is_used_and_seldom_asked_in_vain() {
        for (round_trip, capacity) in [(25, 10), (25, 20), (100, 20), (100, 40)] {
            let (service, window) = (Service::new(round_trip, capacity), Window::new());
            let round_trips = service.serve(MOST, Some(&window)).await;
            let refused = service.refused.into_inner();
            let least = REQUESTS as f64 / capacity as f64;
            assert!(round_trips < 1.6 * least, "{round_trips} round trips, {least} at least");
            assert!(refused < REQUESTS / 20, "{refused} refused");
            let fixed = Service::new(round_trip, capacity);
            fixed.serve(MOST, None).await;
            let refused_fixed = fixed.refused.into_inner();
            assert!(refused_fixed > 5 * refused, "{refused_fixed} instead of {refused}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_refusals_at_once_are_one_and_no_place_is_lost_or_won() {
        let window = Window::new();
        let mut passes = Vec::new();
        while let Some(pass) = window.enter().now_or_never() {
            passes.push(pass);
        }
        assert_eq!(passes.len(), FIRST);
        sleep(Duration::from_secs(1)).await;
        passes.drain(..4).for_each(|pass| pass.leave(true));
        // One that is given up has no answer.
        drop(passes);
        let places = std::iter::from_fn(|| window.enter().now_or_never()).collect::<Vec<_>>();
        assert_eq!(places.len(), FIRST / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_always_busy_gets_one_request_at_a_time() {
        let window = Window::new();
        for _ in 0..20 {
            sleep(Duration::from_secs(1)).await;
            window.enter().await.leave(true);
        }
        let _only = window.enter().await;
        assert!(window.enter().now_or_never().is_none());
    }
}
