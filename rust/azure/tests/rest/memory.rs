//! What many large transfers at once take of a process.

use crate::scripted_service::{KEY, eager};
use azure::blob::{BYTES_IN_FLIGHT, BlobContainer, StorageAccount};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const RUNS: usize = 100;
const SIZE: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// Blob Storage without a memory: what it gets is forgotten, and every blob is full of the same byte.
struct Sink {
    endpoint: String,
    moved: Arc<AtomicU64>,
    /// One for all, as in the library.
    http: reqwest::Client,
    _listener: JoinSet<()>,
}

impl Sink {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let moved = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&moved);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                connections.spawn(serve(connection, Arc::clone(&counter)));
            }
        });
        Self { endpoint, moved, http: azure::http_client().unwrap(), _listener: tasks }
    }

    fn container(&self) -> BlobContainer {
        let account = StorageAccount::from_parts(&self.endpoint, "acct", KEY).unwrap();
        BlobContainer::new(account, "data", self.http.clone(), eager()).unwrap()
    }
}

async fn serve(connection: TcpStream, moved: Arc<AtomicU64>) -> Option<()> {
    let mut connection = BufReader::new(connection);
    loop {
        let (mut length, mut range, mut line) = (0, None, String::new());
        while connection.read_line(&mut line).await.ok()? > 2 {
            let (name, value) = line.trim_end().split_once(": ").unwrap_or((&line, ""));
            match name.to_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "range" => range = Some(bytes_of(value)),
                _ => {}
            }
            line.clear();
        }
        if line.is_empty() {
            return None;
        }
        discard(&mut connection, length, &moved).await?;
        answer(&mut connection, range, &moved).await?;
    }
}

fn bytes_of(range: &str) -> u64 {
    let (first, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
    last.parse::<u64>().unwrap() - first.parse::<u64>().unwrap() + 1
}

async fn discard(
    connection: &mut BufReader<TcpStream>,
    mut length: u64,
    moved: &AtomicU64,
) -> Option<()> {
    let mut buffer = vec![0; 16 * 1024];
    while length > 0 {
        let most = buffer.len().min(length as usize);
        let read = connection.read(&mut buffer[..most]).await.ok()? as u64;
        length -= read;
        moved.fetch_add(read, Relaxed);
    }
    Some(())
}

async fn answer(
    connection: &mut BufReader<TcpStream>,
    range: Option<u64>,
    moved: &AtomicU64,
) -> Option<()> {
    let head = |status, length| {
        format!(
            "HTTP/1.1 {status} X\r\nx-ms-request-id: b9f0e2a4-0000-4000-8000-000000000000\r\n\
             date: Sun, 22 Nov 2026 17:10:00 GMT\r\netag: \"0x1\"\r\n\
             last-modified: Sun, 22 Nov 2026 17:10:00 GMT\r\n\
             x-ms-request-server-encrypted: true\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let Some(mut length) = range else {
        return connection.write_all(head(201, 0).as_bytes()).await.ok();
    };
    connection.write_all(head(206, length).as_bytes()).await.ok()?;
    let buffer = vec![7; 16 * 1024];
    while length > 0 {
        let most = buffer.len().min(length as usize);
        connection.write_all(&buffer[..most]).await.ok()?;
        length -= most as u64;
        moved.fetch_add(most as u64, Relaxed);
    }
    Some(())
}

/// Every test has a process of its own.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Runs them until so much has been moved.
async fn peak_of(transfers: Vec<impl Future<Output = ()> + Send + 'static>, sink: &Sink) -> u64 {
    let before = peak_bytes();
    let mut all: JoinSet<()> = transfers.into_iter().collect();
    let moved = async {
        while sink.moved.load(Relaxed) < 3 * SIZE {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = moved => {}
        () = async { while all.join_next().await.is_some() {} } => {}
    }
    all.shutdown().await;
    peak_bytes().saturating_sub(before)
}

/// Twice the budget, since the allocator keeps part of what is freed, and 1 MiB for each run.
const MOST: u64 = 2 * BYTES_IN_FLIGHT as u64 + RUNS as u64 * MIB;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_runs_that_stage_a_gigabyte_each_stay_within_the_budget() {
    let sink = Sink::start().await;
    let transfer = |_| {
        let (container, read) = (sink.container(), |_, size: u64| Ok(vec![7; size as usize]));
        async move { container.put_file("large", SIZE, Arc::new(read)).await.unwrap() }
    };
    let peak = peak_of((0..RUNS).map(transfer).collect(), &sink).await;
    println!("{RUNS} runs: {} MiB", peak / MIB);
    assert!(peak < MOST, "{} MiB", peak / MIB);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_runs_that_collect_a_gigabyte_each_stay_within_the_budget() {
    let sink = Sink::start().await;
    let transfer = |_| {
        let container = sink.container();
        async move {
            let write = Arc::new(|_, _: &[u8]| Ok(()));
            container.get_file("large", SIZE, write).await.unwrap();
        }
    };
    let peak = peak_of((0..RUNS).map(transfer).collect(), &sink).await;
    println!("{RUNS} runs: {} MiB", peak / MIB);
    assert!(peak < MOST, "{} MiB", peak / MIB);
}
