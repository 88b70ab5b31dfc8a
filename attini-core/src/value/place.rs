use std::fmt;

use super::InvalidValue;
use super::name::text_value;

text_value! {
    /// A region such as `eu-west-1`: at least three parts, the last one a number (cli.md 5.1).
    Region
}

impl Region {
    /// Checks and takes a region.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] when the text has not the form of a region.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let parts: Vec<&str> = text.split('-').collect();
        let number = parts.last().is_some_and(|last| last.parse::<u32>().is_ok());
        let plain = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if parts.len() >= 3 && number && plain && parts.iter().all(|part| !part.is_empty()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidValue::new("region", text, "must look like `eu-west-1`"))
        }
    }

    /// Returns the partition the region belongs to.
    #[must_use]
    pub fn partition(&self) -> Partition {
        let known = [
            ("cn-", "aws-cn", "amazonaws.com.cn"),
            ("us-gov-", "aws-us-gov", "amazonaws.com"),
            ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
            ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
            ("us-iso-", "aws-iso", "c2s.ic.gov"),
            ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
            ("eusc-", "aws-eusc", "amazonaws.eu"),
        ];
        let found = known.iter().find(|(start, ..)| self.0.starts_with(start));
        let (id, suffix) = found.map_or(("aws", "amazonaws.com"), |(_, id, suffix)| (*id, *suffix));
        Partition { id, suffix }
    }
}

/// A group of regions with its own ARNs and host names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// Second part of an ARN: `aws`, `aws-cn`, …
    pub id: &'static str,
    /// Host name suffix: `amazonaws.com`, …
    pub suffix: &'static str,
}

text_value! {
    /// A 12-digit account id.
    AccountId
}

impl AccountId {
    /// Checks and takes an id.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] unless the text is 12 digits.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidValue::new("account id", text, "must be 12 digits"))
        }
    }
}

/// One account in one region, and the names the framework has there.
///
/// All names of the original's external contract that depend on account and region are spelled here and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

impl Place {
    /// Bucket that starts a deployment for every zip put into it.
    #[must_use]
    pub fn origin_bucket(&self) -> String {
        format!("attini-deployment-origin-{}-{}", self.region, self.account)
    }

    /// Bucket that keeps the files of published distributions.
    #[must_use]
    pub fn artifact_bucket(&self) -> String {
        format!("attini-artifact-store-{}-{}", self.region, self.account)
    }

    /// Address of an object in the artifact bucket, in the form that records keep (init-deploy.md 4.5).
    #[must_use]
    pub fn artifact_url(&self, key: &super::ObjectKey) -> String {
        let suffix = self.region.partition().suffix;
        format!("https://{}.s3.{}.{suffix}/{key}", self.artifact_bucket(), self.region)
    }

    /// ARN of a state machine.
    #[must_use]
    pub fn machine_arn(&self, machine: &str) -> MachineArn {
        let Self { account, region } = self;
        MachineArn(format!("arn:{}:states:{region}:{account}:stateMachine:{machine}", region.partition().id))
    }

    /// ARN of a function.
    #[must_use]
    pub fn function_arn(&self, function: &str) -> String {
        let Self { account, region } = self;
        format!("arn:{}:lambda:{region}:{account}:function:{function}", region.partition().id)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "account {} in {}", self.account, self.region)
    }
}

text_value! {
    /// ARN of a state machine.
    MachineArn
}

impl MachineArn {
    /// Takes an ARN as recorded.
    #[must_use]
    pub fn from_record(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the last part of the ARN.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit(':').next().unwrap_or(&self.0)
    }

    /// Returns the ARN of one execution of the machine.
    #[must_use]
    pub fn execution(&self, name: &str) -> ExecutionArn {
        ExecutionArn(format!("{}:{name}", self.0.replacen(":stateMachine:", ":execution:", 1)))
    }
}

text_value! {
    /// ARN of one execution of a state machine.
    ExecutionArn
}

impl ExecutionArn {
    /// Takes an ARN as recorded.
    #[must_use]
    pub fn from_record(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text after the last `:`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.rsplit(':').next().unwrap_or(&self.0)
    }

    /// Returns the machine's ARN.
    #[must_use]
    pub fn machine(&self) -> MachineArn {
        let machine = self.0.rsplit_once(':').map_or(self.0.as_str(), |(machine, _)| machine);
        MachineArn(machine.replacen(":execution:", ":stateMachine:", 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cli_case_6_regions() {
        assert!(Region::parse("eu-west").is_err());
        assert!(Region::parse("eu-west-p").is_err());
        assert_eq!(Region::parse("us-gov-west-1").expect("valid").partition().id, "aws-us-gov");
    }

    #[test]
    fn machine_and_execution_name_each_other() {
        let place = Place {
            account: AccountId::parse("000000000000").expect("valid"),
            region: Region::parse("eu-west-1").expect("valid"),
        };
        let machine = place.machine_arn("AttiniDeploymentPlanSfnPlan-a1");
        let execution = machine.execution("e1");
        assert_eq!(
            execution.as_str(),
            "arn:aws:states:eu-west-1:000000000000:execution:AttiniDeploymentPlanSfnPlan-a1:e1"
        );
        assert_eq!(execution.machine(), machine);
        assert_eq!(execution.id(), "e1");
    }
}
