use std::fmt;

use async_trait::async_trait;
use serde_json::Value;

use super::Unavailable;

/// A message on the topic `attini-deployment-status` (actions.md 14.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Attribute `type`, also in the body: `InitDeploy`, `DeploymentPlanStart`, …
    pub kind: &'static str,
    /// Attribute `status`.
    pub status: String,
    /// Attribute `environment`.
    pub environment: String,
    /// Attribute `distributionName`.
    pub distribution_name: String,
    /// The body.
    pub body: Value,
}

/// Tells whoever wants to know how deployments go. A deployment never fails because of it.
#[async_trait]
pub trait Notifications: fmt::Debug + Send + Sync {
    /// Publishes a message.
    async fn publish(&self, notification: Notification) -> Result<(), Unavailable>;
}
