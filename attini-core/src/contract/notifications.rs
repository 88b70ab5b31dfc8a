//! Promises of [`Notifications`].

use serde_json::json;

use crate::port::{Notification, Notifications};

/// Runs all tests. What arrives is seen where the adapter sends it, so this only checks that it is taken.
pub async fn all(notifications: &dyn Notifications) {
    a_notification_is_taken(notifications).await;
}

/// Also a second time.
pub async fn a_notification_is_taken(notifications: &dyn Notifications) {
    let notification = Notification {
        kind: "InitDeploy",
        status: "STARTED".to_owned(),
        environment: "dev".to_owned(),
        distribution_name: "contract".to_owned(),
        body: json!({"type": "InitDeploy", "text": "ä"}),
    };
    notifications.publish(notification.clone()).await.expect("publishes");
    notifications.publish(notification).await.expect("publishes");
}
