//! Pieces of a file from services that know ranges, and from those that do not.

use proptest::prelude::*;
use proptest::sample::Index;
use reqwest::{
    StatusCode,
    header::{CONTENT_RANGE, HeaderMap, HeaderValue},
};

use super::*;
use crate::exchange::Body;

/// How a service answers a request for a range.
#[derive(Clone, Copy, Debug)]
enum Service {
    /// As Azure does: the part alone.
    Part,
    /// The part, and where it is.
    PartWithRange,
    /// The whole file.
    Whole,
}

impl Service {
    /// The answer, whose body comes in pieces of any size.
    fn answer(self, file: &[u8], from: usize, max: usize, piece: usize) -> Answer {
        let end = from.saturating_add(max).min(file.len());
        let body = match self {
            Service::Whole => file,
            _ => &file[from..end],
        };
        let range = format!("bytes {from}-{}/{}", end - 1, file.len());
        let range = HeaderValue::from_str(&range).unwrap();
        let range = matches!(self, Service::PartWithRange).then_some((CONTENT_RANGE, range));
        let headers = HeaderMap::from_iter(range);
        let part = Wanted::Part { from: from as u64, max: max as u64 };
        let mut read = Body::new(part, &headers, 0);
        body.chunks(piece)
            .take_while(|piece| !read.is_complete() && read.push(piece).is_ok())
            .for_each(drop);
        read.into_answer(StatusCode::OK, headers)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn every_service_brings_the_bytes_that_were_asked_for(
        service in prop_oneof![Just(Service::Part), Just(Service::PartWithRange), Just(Service::Whole)],
        file in prop::collection::vec(any::<u8>(), 1..20),
        from in any::<Index>(),
        max in 1..25_usize,
        piece in 1..25_usize,
    ) {
        let from = from.index(file.len());
        let (start, length) = (from as u64, max as u64);
        let answer = service.answer(&file, from, max, piece);
        let first = start_of(&answer, start, length).unwrap_or_else(|| guessed_start(start, size(&answer), file.len() as u64));
        let end = from.saturating_add(max).min(file.len());
        prop_assert_eq!(slice(answer.body, first + answer.skipped, start, length), Some(Bytes::copy_from_slice(&file[from..end])));
    }

    #[test]
    fn any_content_range_is_understood_or_not(range in "bytes [0-9-/*]{0,12}|\\PC{0,12}") {
        let range = HeaderValue::from_str(&range).ok().map(|range| (CONTENT_RANGE, range));
        first_of_range(&HeaderMap::from_iter(range));
    }
}
