//! Promises of [`JobQueue`].

use std::time::Duration;

use crate::port::{Clock, JobQueue, QueueError};

/// Runs all tests.
///
/// The queues in `names` exist and are empty. `visibility` is how long a delivered message is hidden, on this clock.
pub async fn all(queues: &dyn JobQueue, names: [&str; 2], clock: &dyn Clock, visibility: Duration) {
    let [name, other] = names;
    an_empty_queue_has_none(queues, name).await;
    a_message_is_delivered_until_it_is_deleted(queues, name).await;
    a_delivered_message_is_hidden(queues, name).await;
    a_released_message_shows_at_once(queues, name).await;
    a_late_release_does_nothing(queues, name).await;
    a_forgotten_message_shows_again(queues, name, clock, visibility).await;
    a_second_message_of_the_same_id_is_dropped(queues, name).await;
    queues_are_apart(queues, name, other).await;
    no_message_is_lost_among_others(queues, name).await;
    a_message_too_large_is_refused(queues, name).await;
}

async fn send(queues: &dyn JobQueue, queue: &str, dedup: &str, body: &str) {
    queues.send(queue, dedup, body).await.expect("sends");
}

/// Receives and deletes one message.
async fn consume(queues: &dyn JobQueue, queue: &str) -> Option<String> {
    let delivery = queues.receive(queue).await.expect("receives")?;
    queues.delete(queue, &delivery.handle).await.expect("deletes");
    Some(delivery.body)
}

/// Nothing there is no error.
pub async fn an_empty_queue_has_none(queues: &dyn JobQueue, queue: &str) {
    assert_eq!(queues.receive(queue).await.expect("receives"), None);
}

/// After the deletion it is gone; deleting again is fine.
pub async fn a_message_is_delivered_until_it_is_deleted(queues: &dyn JobQueue, queue: &str) {
    send(queues, queue, "deliver", "{\"a\": \"ä\"}").await;
    let delivery = queues.receive(queue).await.expect("receives").expect("was sent");
    assert_eq!(delivery.body, "{\"a\": \"ä\"}");
    queues.delete(queue, &delivery.handle).await.expect("deletes");
    queues.delete(queue, &delivery.handle).await.expect("is gone already");
    assert_eq!(queues.receive(queue).await.expect("receives"), None);
}

/// Two runners do not get the same job.
pub async fn a_delivered_message_is_hidden(queues: &dyn JobQueue, queue: &str) {
    send(queues, queue, "hide", "hide").await;
    let delivery = queues.receive(queue).await.expect("receives").expect("was sent");
    assert_eq!(queues.receive(queue).await.expect("receives"), None);
    queues.delete(queue, &delivery.handle).await.expect("deletes");
}

/// A runner that stops gives its job back.
pub async fn a_released_message_shows_at_once(queues: &dyn JobQueue, queue: &str) {
    send(queues, queue, "release", "release").await;
    let first = queues.receive(queue).await.expect("receives").expect("was sent");
    queues.release(queue, &first.handle).await.expect("releases");
    assert_eq!(consume(queues, queue).await.as_deref(), Some("release"));
}

/// A message that was deleted does not come back.
pub async fn a_late_release_does_nothing(queues: &dyn JobQueue, queue: &str) {
    send(queues, queue, "late", "late").await;
    let delivery = queues.receive(queue).await.expect("receives").expect("was sent");
    queues.delete(queue, &delivery.handle).await.expect("deletes");
    // Services differ in whether they call this an error; either way nothing comes back.
    let _ = queues.release(queue, &delivery.handle).await;
    assert_eq!(queues.receive(queue).await.expect("receives"), None);
}

/// A runner that died does not take its job with it.
pub async fn a_forgotten_message_shows_again(
    queues: &dyn JobQueue,
    queue: &str,
    clock: &dyn Clock,
    visibility: Duration,
) {
    send(queues, queue, "forget", "forget").await;
    let first = queues.receive(queue).await.expect("receives").expect("was sent");
    for _ in 0..5 {
        clock.sleep(visibility).await;
        if let Some(again) = queues.receive(queue).await.expect("receives") {
            assert_eq!(again.body, first.body);
            assert_ne!(again.handle, first.handle);
            queues.delete(queue, &again.handle).await.expect("deletes");
            return;
        }
    }
    panic!("the message was not delivered again");
}

/// Also after the first one was delivered and deleted.
pub async fn a_second_message_of_the_same_id_is_dropped(queues: &dyn JobQueue, queue: &str) {
    send(queues, queue, "twice", "first").await;
    send(queues, queue, "twice", "second").await;
    assert_eq!(consume(queues, queue).await.as_deref(), Some("first"));
    send(queues, queue, "twice", "third").await;
    assert_eq!(consume(queues, queue).await, None);
}

/// A message belongs to one queue, and so does its id.
pub async fn queues_are_apart(queues: &dyn JobQueue, queue: &str, other: &str) {
    send(queues, queue, "apart", "here").await;
    assert_eq!(consume(queues, other).await, None);
    send(queues, other, "apart", "there").await;
    assert_eq!(consume(queues, queue).await.as_deref(), Some("here"));
    assert_eq!(consume(queues, other).await.as_deref(), Some("there"));
}

/// Each of several messages is delivered.
pub async fn no_message_is_lost_among_others(queues: &dyn JobQueue, queue: &str) {
    for number in 0..5 {
        send(queues, queue, &format!("several-{number}"), &number.to_string()).await;
    }
    let mut found = Vec::new();
    while let Some(body) = consume(queues, queue).await {
        found.push(body);
    }
    found.sort();
    assert_eq!(found, ["0", "1", "2", "3", "4"]);
}

/// 262,144 bytes are taken, one more is not.
pub async fn a_message_too_large_is_refused(queues: &dyn JobQueue, queue: &str) {
    let most = "x".repeat(262_144);
    let error = queues.send(queue, "large-1", &format!("{most}x")).await.expect_err("is too large");
    assert!(matches!(error, QueueError::TooLarge { size_bytes: 262_145, limit_bytes: 262_144 }), "{error}");
    assert_eq!(consume(queues, queue).await, None);
    send(queues, queue, "large-2", &most).await;
    assert_eq!(consume(queues, queue).await, Some(most));
}
