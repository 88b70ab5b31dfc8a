//! A project with everything a plan can have, its cases, and what they say when they fail.

use std::fs;
use std::path::Path;

use super::*;

mod failures;
mod recording;

const CONFIG: &str = "\
distributionName: shop
initDeployConfig:
  template: plan.yaml
  stackName: ${environment}-shop-plan
  parameters:
    default: {Zones: '2', Secret: hush-hush}
    prod: {Zones: '3'}
";

const PLAN: &str = r#"
Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]
Parameters:
  AttiniEnvironmentName: {Type: String}
  Zones: {Type: String}
  Secret: {Type: String, NoEcho: true, Default: none}
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      PayloadDefaults: {output: {Given: {regions: [eu, us, ap]}}}
      DeploymentPlan:
        StartAt: Build
        States:
          Build:
            Type: AttiniRunnerJob
            Properties: {Commands: [make], Environment: {ZONES.$: $.stackParameters.Zones}}
            Retry:
              - {ErrorEquals: [ScriptExecutionError], IntervalSeconds: 10, BackoffRate: 2, MaxAttempts: 2}
            Catch:
              - {ErrorEquals: [RunnerConfigError], ResultPath: $.output.Problem, Next: Tell}
              - {ErrorEquals: [States.ALL], ResultPath: $.output.Problem, Next: Tell}
            Next: Both
          Both:
            Type: Parallel
            Branches:
              - StartAt: Database
                States:
                  Database:
                    Type: AttiniCfn
                    Properties: {StackName: !Sub "${AttiniEnvironmentName}-db", Template: /db.yaml, ConfigFile: /db-config.yaml}
                    End: true
              - StartAt: Notes
                States:
                  Notes:
                    Type: AttiniLambdaInvoke
                    Parameters: {FunctionName: notes, Payload: {"version.$": $.output.Build.version}}
                    End: true
            Next: Joined
          Joined: {Type: AttiniMergeOutput, Next: Regions}
          Regions:
            Type: Map
            ItemsPath: $.output.Given.regions
            ItemSelector:
              region.$: $$.Map.Item.Value
            ItemProcessor:
              StartAt: Copy
              States:
                Copy:
                  Type: Task
                  Resource: arn:aws:states:::sqs:sendMessage
                  Parameters: {QueueUrl: q, MessageBody.$: $.region}
                  Retry: [{ErrorEquals: [Busy], IntervalSeconds: 1}]
                  End: true
            ResultPath: $.output.Regions
            Next: Is it big?
          Is it big?:
            Type: Choice
            Choices:
              - {Variable: $.environment, StringEquals: prod, Next: Gate}
              - {Variable: $.output.Build.version, StringEquals: "2", Next: Gate}
            Default: Tell
          Gate: {Type: AttiniManualApproval, TimeoutSeconds: 600, Next: Tell}
          Tell:
            Type: Task
            Resource: arn:aws:states:::sns:publish
            Parameters: {TopicArn: t, Message.$: $.environment}
            ResultPath: null
            End: true
"#;

const DB: &str = "\
Parameters:
  Name: {Type: String}
  Size: {Type: String}
  Token: {Type: String, NoEcho: true}
Resources:
  Bucket: {Type: AWS::S3::Bucket}
Outputs:
  Url: {Value: !Ref Name}
";

const DB_CONFIG: &str = "\
parameters:
  Name: shop
  Size: {value: /shop/size, type: SSM-Parameter, default: small}
  Token: very-secret
tags: {team: data}
";

const MOCKS: &str = "\
defaults:
  mocks:
    Build: {output: '{\"version\": \"1\"}'}
    Database: {outputs: {Url: u}}
    Notes: {result: {text: new}}
    Copy: {result: {MessageId: m}}
    Tell: {result: {}}
";

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let own = [("attini-config.yaml", CONFIG), ("plan.yaml", PLAN), ("db.yaml", DB), ("db-config.yaml", DB_CONFIG)];
    for (name, text) in own.iter().chain(files) {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Runs cases that stand below the mocks that all of them have.
fn run_in(root: &Path, cases: &str) -> SuiteResult {
    let file = CaseFile::parse("t.yaml", &format!("{MOCKS}{cases}")).unwrap();
    let project = Project::open(root).unwrap();
    Suite::new(&project, vec![file]).unwrap().run(None, 2)
}

fn run(cases: &str) -> SuiteResult {
    run_in(project(&[]).path(), cases)
}

#[track_caller]
fn passes(cases: &str) -> SuiteResult {
    let result = run(cases);
    let lines: Vec<String> = result.cases.iter().flat_map(CaseResult::lines).collect();
    assert!(result.passed() == result.cases.len(), "{}", lines.join("\n"));
    result
}

#[test]
fn steps_branches_iterations_and_people() {
    let result = passes(
        r"
cases:
- name: small
  expect:
    path: [Build, Both, [Database, Notes], Joined, Regions, Copy, Copy, Copy, Is it big?, Tell]
    outputs:
      Build: {version: '1'}
      Database: {Url: u}
      Notes: {result: {text: new}}
      Regions: [{MessageId: m}, {}, {}]
    payload: {environment: dev, stackParameters: {Zones: '2'}}
    attempts: {Copy: 3, Gate: 0}
    stacks:
      Database:
        {name: dev-db, action: Deploy, template: /db.yaml, parameters: {Name: shop, Size: small, Token: very-secret},
         tags: {team: data, AttiniDistributionName: shop}}
    jobs: {Build: {commands: [make], environment: {ZONES: 2}, runner: AttiniDefaultRunner}}
    calls: {Notes: {FunctionName: notes, Payload: {version: '1'}}, Copy: [{MessageBody: eu}, {MessageBody: us}, {}]}
    seconds: 0
- name: production asks
  environment: prod
  parameterStore: {/shop/size: huge}
  mocks: {Gate: {approve: fine, delay: 599}}
  expect:
    approvals: [Gate]
    outputs: {Gate: {message: fine}}
    stacks: {Database: {name: prod-db, parameters: {Size: huge}}}
    jobs: {Build: {environment: {ZONES: 3}}}
    seconds: 599
- name: version 2 asks too
  mocks: {Build: {output: {version: '2'}}, Gate: {reject: true}}
  expect: {status: FAILED, error: ManuallyAborted, cause: aborted by user, path: [..., Gate]}
- name: nobody answers
  environment: prod
  mocks: {Gate: {approve: true, delay: 601}}
  expect: {error: States.Timeout, seconds: 600}
- name: the third attempt succeeds
  mocks: {Build: [{exitCode: 2, attempts: 2, delay: 5}, {output: {version: '1'}}]}
  expect: {attempts: {Build: 3}, seconds: 40}
- name: three attempts fail
  mocks: {Build: {exitCode: 2, log: no rule}}
  expect:
    path: [Build, Tell]
    attempts: {Build: 3}
    outputs: {Problem: {Error: ScriptExecutionError}}
- name: one iteration is busy
  mocks:
    Copy:
    - {error: Busy, iteration: 1, attempts: 2}
    - {result: {MessageId: late}, iteration: [1]}
    - {result: {MessageId: m}}
  expect: {attempts: {Copy: 5}, outputs: {Regions: [{MessageId: m}, {MessageId: late}, {MessageId: m}]}}
- name: the input is custom data, and the payload can be laid over
  input: {who: me}
  payload: {dependencies: {base: {outputUrl: s3://x}}, output: {Given: {regions: []}}}
  expect:
    payload: {customData: {who: me}, dependencies: {base: {outputUrl: s3://x}}}
    notVisited: [Copy]
- name: a wrong configuration fails by itself
  mocks: {Database: {error: CREATE_FAILED, cause: 'Bucket: taken'}}
  expect: {error: CREATE_FAILED, cause: {matches: '^Bucket: \w+$'}, notVisited: [Joined]}
",
    );
    let coverage = &result.coverage;
    let missed: Vec<String> = coverage
        .branches
        .iter()
        .filter(|way| way.cases == 0)
        .map(|way| format!("{}: {}", way.step, way.branch.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(missed, ["Build: Catch 1 (RunnerConfigError)"]);
    assert_eq!(coverage.counts(), (17, 18));
    assert_eq!(coverage.percent(), 94);
    let names: Vec<&str> = result.cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!((names[0], names[8]), ("small", "a wrong configuration fails by itself"), "the order of the file");
}

#[test]
fn steps_do_their_own_work() {
    let folder = project(&[("db-config.yaml", "extends: /missing.yaml\n")]);
    let result = run_in(
        folder.path(),
        "cases:\n- name: c\n  expect: {error: StackConfigError, cause: {contains: missing.yaml}, path: [Build, ...]}\n",
    );
    assert_eq!(result.cases[0].lines(), Vec::<String>::new());
}

#[test]
fn cases_that_share_a_plan_share_nothing_else() {
    let cases: String = (0..40).map(|number| format!("- {{name: case {number}, expect: {{seconds: 0}}}}\n")).collect();
    let result = passes(&format!("cases:\n{cases}"));
    assert!(result.cases.iter().enumerate().all(|(number, case)| case.name == format!("case {number}")));
}

#[test]
fn a_list_of_steps_is_covered_by_its_own_words() {
    let plan = r#"
Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
        - Name: All
          Type: Parallel
          Branches:
            - [{Name: A, Type: AttiniRunnerJob, Properties: {Commands: [a]}}]
            - [{Name: B, Type: AttiniRunnerJob, Properties: {Commands: [b]}}]
        - Name: Which
          Type: Choice
          Condition: {Variable: $.output.A.result, StringEquals: yes}
          IsTrue: [{Name: C, Type: AttiniRunnerJob, Properties: {Commands: [c]}}]
"#;
    let folder =
        project(&[("plan.yaml", plan), ("attini-config.yaml", &CONFIG[..CONFIG.find("  parameters").unwrap()])]);
    let file = "cases:\n- name: c\n  mocks: {A: {output: 'no'}, B: {output: ''}}\n  \
                expect: {path: [All, [A, B], Which], outputs: {A: {result: 'no'}, B: {}}}\n";
    let project = Project::open(folder.path()).unwrap();
    let suite = Suite::new(&project, vec![CaseFile::parse("t.yaml", file).unwrap()]).unwrap();
    let result = suite.run(None, 1);
    assert_eq!(result.cases[0].lines(), Vec::<String>::new());
    let ways: Vec<(&str, Option<&str>, usize)> =
        result.coverage.branches.iter().map(|way| (way.step.as_str(), way.branch.as_deref(), way.cases)).collect();
    assert_eq!(
        ways,
        [
            ("All", Some("branch 1"), 1),
            ("All", Some("branch 2"), 1),
            ("Which", Some("IsTrue"), 0),
            ("Which", Some("IsFalse"), 1)
        ]
    );
    assert!(suite.run(Some("other"), 1).cases.is_empty() && suite.run(Some("t.yaml"), 1).cases.len() == 1);
}

#[test]
fn the_schema_knows_every_key() {
    let schema = schema();
    let keys = |at: &str| -> Vec<String> {
        let properties = schema.pointer(at).and_then(|at| at.as_object()).unwrap();
        let mut keys: Vec<String> = properties.keys().cloned().collect();
        keys.sort();
        keys
    };
    let sorted = |keys: &[&str]| {
        let mut keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        keys.sort();
        keys
    };
    let case = "/properties/cases/items/properties";
    assert_eq!(keys(case), sorted(&model::CASE_KEYS));
    assert_eq!(keys("/properties/defaults/properties"), sorted(&model::CASE_KEYS[1..7]));
    assert_eq!(keys(&format!("{case}/expect/properties")), sorted(&model::EXPECT_KEYS));
    assert_eq!(keys(&format!("{case}/mocks/additionalProperties/anyOf/0/properties")), sorted(&model::ANSWER_KEYS));
}
