//! A proxy between one client and all services. It knows every request by its step, keeps what was sent,
//! lets single requests fail as a network or a service does, and can stop a run between two requests.

mod answer;
mod fault;
mod server;
mod step;
mod tests;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use crate::http1::Received;
use answer::Answer;
pub(crate) use fault::Fault;
pub(crate) use step::Step;

/// No answer of a service on this machine takes longer; a stalled one is given up then. In a worker it is
/// a minute and more.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
const LONG_READ_TIMEOUT: Duration = Duration::from_secs(60);

/// An address of this machine at which nobody listens: all of ours are 127.0.0.1.
const NOBODY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Ends with the test.
pub(crate) struct Gate {
    port: u16,
    state: Arc<State>,
    server: JoinHandle<()>,
}

struct State {
    upstream: reqwest::Client,
    log: Mutex<Log>,
    plans: Mutex<HashMap<Step, Plan>>,
    /// Something was answered.
    changed: watch::Sender<()>,
    /// The next connection is refused.
    refusing: Arc<AtomicBool>,
}

/// What happens to a request of a step.
enum Plan {
    Fail(Fault),
    /// It has no effect, and this is the service's answer.
    Say {
        status: u16,
        code: &'static str,
    },
    /// The request waits, from its arrival until it is released.
    Delay(Arc<Held>),
    /// The answer waits, from its arrival until it is released.
    Hold(Arc<Held>),
}

#[derive(Default)]
pub(crate) struct Held {
    arrived: watch::Sender<bool>,
    released: watch::Sender<bool>,
}

#[derive(Default)]
struct Log {
    seen: HashMap<String, usize>,
    sent: Vec<Sent>,
    under_way: usize,
}

/// A request, and the status that the service answered it with.
struct Sent {
    step: Step,
    what: String,
    body: Vec<u8>,
    status: Option<StatusCode>,
}

impl Gate {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            upstream: reqwest::Client::builder().no_proxy().build().unwrap(),
            log: Mutex::default(),
            plans: Mutex::default(),
            changed: watch::channel(()).0,
            refusing: Arc::default(),
        });
        let server = tokio::spawn(server::accept(listener, Arc::clone(&state)));
        Self { port, state, server }
    }

    /// A client all of whose requests come through here, each over a connection of its own.
    pub(crate) fn client(&self) -> reqwest::Client {
        self.client_that_waits(READ_TIMEOUT)
    }

    /// The same for requests that are held for seconds.
    pub(crate) fn patient_client(&self) -> reqwest::Client {
        self.client_that_waits(LONG_READ_TIMEOUT)
    }

    fn client_that_waits(&self, read_timeout: Duration) -> reqwest::Client {
        let proxy = reqwest::Proxy::http(format!("http://gate.test:{}", self.port)).unwrap();
        let resolver = Resolver { refusing: Arc::clone(&self.state.refusing) };
        reqwest::Client::builder()
            .proxy(proxy)
            .dns_resolver(Arc::new(resolver))
            .pool_max_idle_per_host(0)
            .read_timeout(read_timeout)
            .build()
            .unwrap()
    }

    /// Lets the request of this step fail, once.
    pub(crate) fn fail(&self, step: &Step, fault: Fault) {
        self.state.plans.lock().unwrap().insert(step.clone(), Plan::Fail(fault));
    }

    /// Answers the request of this step with an error of Batch, in place of the service.
    pub(crate) fn say(&self, step: &Step, status: u16, code: &'static str) {
        self.state.plans.lock().unwrap().insert(step.clone(), Plan::Say { status, code });
    }

    /// Keeps the request of this step from the service.
    pub(crate) fn delay(&self, step: &Step) -> Arc<Held> {
        self.wait_at(step, Plan::Delay)
    }

    /// Keeps the answer to this step back.
    pub(crate) fn hold(&self, step: &Step) -> Arc<Held> {
        self.wait_at(step, Plan::Hold)
    }

    fn wait_at(&self, step: &Step, plan: fn(Arc<Held>) -> Plan) -> Arc<Held> {
        let held = Arc::<Held>::default();
        self.state.plans.lock().unwrap().insert(step.clone(), plan(Arc::clone(&held)));
        held
    }

    /// Whether all the faults that were planned have happened.
    pub(crate) fn is_done(&self) -> bool {
        self.state.plans.lock().unwrap().is_empty()
    }

    /// The steps in the order in which they came.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.state.log().sent.iter().map(|sent| sent.step.clone()).collect()
    }

    /// How many requests of this kind a service has answered as a success.
    pub(crate) fn successes(&self, kind: &str) -> usize {
        let log = self.state.log();
        let alike = log.sent.iter().filter(|sent| sent.step.kind == kind);
        alike.filter(|sent| sent.status.is_some_and(|status| status.is_success())).count()
    }

    pub(crate) fn has_answered(&self, kind: &str) -> bool {
        let log = self.state.log();
        log.sent.iter().any(|sent| sent.step.kind == kind && sent.status.is_some())
    }

    /// No request is on its way, whether its client still waits for it or not.
    pub(crate) fn is_idle(&self) -> bool {
        self.state.log().under_way == 0
    }

    /// The body of the only request that was sent so.
    pub(crate) fn body(&self, method: &str, path_end: &str) -> serde_json::Value {
        let log = self.state.log();
        let mut found = log.sent.iter().filter(|sent| {
            sent.what.starts_with(&format!("{method} ")) && sent.what.ends_with(path_end)
        });
        let sent = found.next().unwrap();
        assert!(found.next().is_none());
        serde_json::from_slice(&sent.body).unwrap()
    }

    /// Waits until something is true that can change with each answer.
    pub(crate) async fn until(&self, mut happened: impl FnMut(&Self) -> bool) {
        let mut changed = self.state.changed.subscribe();
        changed.wait_for(|()| happened(self)).await.unwrap();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Held {
    /// The request is here, or the service's answer to it, of which the run does not know yet.
    pub(crate) async fn arrived(&self) {
        self.arrived.subscribe().wait_for(|arrived| *arrived).await.unwrap();
    }

    pub(crate) fn release(&self) {
        self.released.send_replace(true);
    }
}

impl State {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }

    /// Takes the request down, and gives what is to happen to it.
    fn take(&self, request: &Received) -> (usize, Option<Plan>) {
        let url = Url::parse(&request.target).unwrap();
        let kind = step::kind(&request.method, &url);
        let mut log = self.log();
        let ordinal = log.seen.entry(kind.clone()).or_default();
        *ordinal += 1;
        let step = Step { kind, ordinal: *ordinal };
        let plan = self.plans.lock().unwrap().remove(&step);
        let what = format!("{} {}", request.method, url.path());
        log.sent.push(Sent { step, what, body: request.body.clone(), status: None });
        log.under_way += 1;
        (log.sent.len() - 1, plan)
    }

    /// Lets the request have its effect.
    async fn forward(&self, place: usize, request: &Received) -> Answer {
        let answer = Answer::fetch(&self.upstream, request).await;
        let answer = answer.unwrap_or_else(|| Answer::empty(502, &[]));
        self.log().sent[place].status = Some(answer.status);
        self.changed.send_replace(());
        answer
    }

    fn refuse_next(&self) {
        self.refusing.store(true, Ordering::SeqCst);
    }

    /// The request has had its effect, if any, and its answer.
    fn finish(&self) {
        self.log().under_way -= 1;
        self.changed.send_replace(());
    }
}

/// The proxy's name leads to it, or to nobody.
struct Resolver {
    refusing: Arc<AtomicBool>,
}

impl Resolve for Resolver {
    fn resolve(&self, _: Name) -> Resolving {
        let refused = self.refusing.swap(false, Ordering::SeqCst);
        let address = if refused { NOBODY } else { Ipv4Addr::LOCALHOST };
        let addresses: Addrs = Box::new(std::iter::once(SocketAddr::from((address, 0))));
        Box::pin(async { Ok(addresses) })
    }
}
