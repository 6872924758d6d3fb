//! What the bench (rust/runner/benches/performance) says of itself: its table, and the way that it makes longer.

#[path = "../../benches/performance/proxy.rs"]
mod proxy;
#[expect(dead_code, reason = "made for the bench")]
#[path = "../../benches/performance/table.rs"]
mod table;

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use self::proxy::Proxy;
use self::table::{Row, Table};

const ROUND_TRIP: Duration = Duration::from_millis(40);

fn row(ratios: &[f64]) -> Row {
    let samples: Vec<_> = ratios.iter().map(|ratio| (ratio * 3.0, 3.0)).collect();
    let mut table = Table::default();
    table.add("a task of 2 s: result", ROUND_TRIP, ("s", "its 2 s"), &samples);
    table.rows.remove(0)
}

#[test]
fn a_table_that_is_written_is_read_again() {
    let rows = vec![row(&[1.0, 1.5, 1.25]), row(&[0.031])];
    let mut table = Table { rows, ..Table::default() };
    table.skipped.push("rclone is not installed".to_owned());
    assert_eq!(Table::parse(&table.to_string()), table.rows);
}

#[test]
fn a_row_is_worse_beyond_a_fifth_and_beyond_all_that_was_measured_before() {
    let (narrow, wide) = (row(&[0.98, 1.0, 1.02]), row(&[0.5, 1.0, 1.4]));
    let is_worse = |ratio, earlier| row(&[ratio]).is_worse_than(earlier);
    assert!(!is_worse(1.19, &narrow) && is_worse(1.21, &narrow));
    assert!(!is_worse(1.39, &wide) && is_worse(1.41, &wide));
}

#[tokio::test]
async fn a_longer_way_takes_a_round_trip_and_loses_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap(), ROUND_TRIP).await;
    let sent: Vec<u8> = (0..20_000_000_u32).map(|n| (n / 7) as u8).collect();
    let echo = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut all = Vec::new();
        connection.read_to_end(&mut all).await.unwrap();
        connection.write_all(&all).await.unwrap();
    };
    let ask = async {
        let start = Instant::now();
        let mut connection = TcpStream::connect(proxy.address).await.unwrap();
        connection.write_all(&sent).await.unwrap();
        connection.shutdown().await.unwrap();
        let mut back = Vec::new();
        connection.read_to_end(&mut back).await.unwrap();
        // One to be connected, and one for the question and its answer.
        assert!(back == sent && start.elapsed() >= 2 * ROUND_TRIP);
    };
    tokio::join!(echo, ask);
}
