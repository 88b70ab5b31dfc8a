//! Promises of [`Clock`] and [`Ids`].

use std::collections::HashSet;
use std::time::Duration;

use crate::port::{Clock, Ids};

/// Runs all tests of a clock.
pub async fn all(clock: &dyn Clock) {
    time_never_goes_back(clock);
    a_sleep_takes_at_least_its_time(clock).await;
}

/// Successive calls never go back.
pub fn time_never_goes_back(clock: &dyn Clock) {
    let mut earlier = clock.now();
    for _ in 0..1000 {
        let now = clock.now();
        assert!(now >= earlier, "{now} came after {earlier}");
        earlier = now;
    }
}

/// A sleep ends no earlier than it should.
pub async fn a_sleep_takes_at_least_its_time(clock: &dyn Clock) {
    let wait = Duration::from_millis(20);
    let start = clock.now();
    clock.sleep(wait).await;
    assert!(clock.now() >= start.after(wait));
}

/// Runs all tests of an id source: version 4, lower case, hyphens, never the same.
pub fn ids(ids: &dyn Ids) {
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let id = ids.uuid();
        let parsed = uuid::Uuid::parse_str(&id).expect("an id is a UUID");
        assert_eq!(parsed.hyphenated().to_string(), id);
        assert_eq!(parsed.get_version_num(), 4, "{id}");
        assert!(seen.insert(id));
    }
}
