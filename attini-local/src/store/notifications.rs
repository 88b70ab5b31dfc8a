use async_trait::async_trait;
use attini_core::port::{Notification, Notifications, Unavailable};
use rusqlite::params;
use serde_json::Value;

use super::tx::json;
use super::{Home, HomeError};

/// Notifications as rows of the home's database, for whoever wants to read them.
#[derive(Debug, Clone)]
pub struct SqliteNotifications(Home);

/// A notification that was published.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredNotification {
    /// Its place: later ones have greater numbers.
    pub number: i64,
    /// Attribute `type`.
    pub kind: String,
    /// Attribute `status`.
    pub status: String,
    /// Attribute `environment`.
    pub environment: String,
    /// Attribute `distributionName`.
    pub distribution_name: String,
    /// The body.
    pub body: Value,
}

impl SqliteNotifications {
    /// Takes the notifications of a home.
    #[must_use]
    pub fn new(home: Home) -> Self {
        Self(home)
    }

    /// Returns the notifications with numbers greater than `after`, oldest first.
    ///
    /// # Errors
    ///
    /// [`HomeError`] when the database cannot be read.
    pub fn list(&self, after: i64) -> Result<Vec<StoredNotification>, HomeError> {
        let sql = "SELECT id, kind, status, environment, distribution_name, body FROM notifications WHERE id > ?1 ORDER BY id";
        self.0.read(|tx| {
            tx.all(sql, params![after], |row| {
                Ok(StoredNotification {
                    number: row.get(0)?,
                    kind: row.get(1)?,
                    status: row.get(2)?,
                    environment: row.get(3)?,
                    distribution_name: row.get(4)?,
                    body: json("notification", &row.get::<_, String>(5)?)?,
                })
            })
        })
    }
}

#[async_trait]
impl Notifications for SqliteNotifications {
    async fn publish(&self, notification: Notification) -> Result<(), Unavailable> {
        let Notification { kind, status, environment, distribution_name, body } = notification;
        let sql = "INSERT INTO notifications (id, kind, status, environment, distribution_name, body) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let published = self.0.write(|tx| {
            let id = tx.next_number()?;
            tx.execute(sql, params![id, kind, status, environment, distribution_name, body.to_string()])
        });
        published.map_err(|error| Unavailable::new(format!("publish notification {kind}"), error))?;
        Ok(())
    }
}
