//! Init deploy: from an uploaded zip to a started plan; and how a deployment ends.

mod check;
mod custom_resource;
mod dependency;
mod end;
mod fingerprint;
mod init;
mod init_stack;
mod parameters;
mod publish;
mod registration;
mod upload;

pub use check::{check_plans, check_template, unsupported_steps};
pub use custom_resource::{
    AnswerChannel, CustomResourceRequest, RequestType, TRIGGER_ID, deliver_answer, handle_custom_resource, machine_of,
};
pub(crate) use end::notify;
pub use end::{Ending, end_deployment, record_upload_failure};
pub use fingerprint::fingerprint;
pub use init::init_deploy;
pub use parameters::{explain_parameters, framework_parameters};
pub(crate) use registration::runner_key;
pub use registration::{Registration, register_plan, unregister_plan};
pub use upload::Upload;

#[cfg(test)]
mod tests;
