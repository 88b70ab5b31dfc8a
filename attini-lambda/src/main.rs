//! The executable behind every function of the framework in AWS. This version has no AWS world, and says so.

fn main() -> Result<(), attini_aws::NotInThisVersion> {
    Err(attini_aws::NotInThisVersion)
}
