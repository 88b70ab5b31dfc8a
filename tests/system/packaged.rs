//! A project of `tests/fixtures/projects`, packaged with stand-ins for the tools of its package commands.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use attini_core::distribution::{Archive, Limits, TreeEntry};
use attini_core::document::Document;
use attini_core::plan::{MacroSettings, macro_response};
use serde_json::{Value, json};

use crate::support::{Run, TestEnv, repository};

const FIXTURES: &str = "tests/fixtures";

/// An environment in which `npm`, `cdk`, `sam` and `jq` are stand-ins, and `cdk synth` gives what is kept for the project.
pub(crate) fn env_of(name: &str) -> TestEnv {
    let fixtures = repository().join(FIXTURES);
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", fixtures.join("bin").display());
    TestEnv::new().with("PATH", &path).with("CDK_SYNTH", fixtures.join("synth").join(name).to_str().unwrap())
}

/// Copies a project, and loads what a real account would hold for it into `dev`.
pub(crate) fn project(env: &TestEnv, name: &str) -> PathBuf {
    let project = env.project(&format!("{FIXTURES}/projects/{name}"));
    let values = project.join("values.yaml");
    if values.exists() {
        env.attini(["local", "set", "-e", "dev", values.to_str().unwrap()]).exits(0);
        // It belongs to the account, not to the distribution.
        fs::remove_file(values).unwrap();
    }
    project
}

/// A finished zip.
pub(crate) struct Packaged {
    pub(crate) run: Run,
    pub(crate) zip: PathBuf,
    /// Keeps the zip.
    pub(crate) env: TestEnv,
}

impl Packaged {
    #[track_caller]
    pub(crate) fn of(name: &str) -> Self {
        Self::by(env_of(name), name)
    }

    #[track_caller]
    pub(crate) fn by(env: TestEnv, name: &str) -> Self {
        let project = project(&env, name);
        let run = env.attini(["package", project.to_str().unwrap()]).exits(0);
        let zip = run.line("Distribution created: ").trim_start_matches("Distribution created: ").into();
        Self { run, zip, env }
    }

    pub(crate) fn open(&self) -> Archive<File> {
        Archive::open(File::open(&self.zip).unwrap(), &Limits::default()).unwrap()
    }

    /// Paths in the zip; directories end in `/`.
    pub(crate) fn paths(&self) -> Vec<String> {
        paths(&self.open())
    }

    /// Paths in a zip that is in the zip.
    pub(crate) fn paths_in(&self, path: &str) -> Vec<String> {
        let content = self.open().read(path, 1 << 20).unwrap();
        paths(&Archive::open(std::io::Cursor::new(content), &Limits::default()).unwrap())
    }

    #[track_caller]
    pub(crate) fn text(&self, path: &str) -> String {
        String::from_utf8(self.open().read(path, 1 << 20).unwrap()).unwrap()
    }

    pub(crate) fn metadata(&self) -> Value {
        serde_json::from_str(&self.text("attini_data/attini-metadata.json")).unwrap()
    }

    /// The init template as it is deployed, without its `Transform`.
    #[track_caller]
    pub(crate) fn fragment(&self) -> Value {
        let config = Document::parse("attini-config.yaml", &self.text("attini-config.yaml")).unwrap().to_json();
        let path = config["initDeployConfig"]["template"].as_str().unwrap().trim_start_matches('/').to_owned();
        let mut template = Document::parse(&path, &self.text(&path)).unwrap().to_json();
        let transform = template.as_object_mut().unwrap().shift_remove("Transform").unwrap();
        assert_eq!(transform, json!(["AttiniDeploymentPlan", "AWS::Serverless-2016-10-31"]));
        template
    }

    pub(crate) fn verify(&self) -> Value {
        self.env.attini(["distribution", "verify", self.zip.to_str().unwrap(), "--json"]).exits(0).json()
    }

    pub(crate) fn inspect(&self) -> Value {
        self.env.attini(["distribution", "inspect", self.zip.to_str().unwrap(), "--json"]).exits(0).json()
    }
}

fn paths<R: std::io::Read + std::io::Seek>(archive: &Archive<R>) -> Vec<String> {
    let path = |entry: &TreeEntry| if entry.is_directory() { format!("{}/", entry.path) } else { entry.path.clone() };
    archive.entries().iter().map(path).collect()
}

/// What the macro makes of a fragment.
pub(crate) struct Expanded(pub(crate) Value);

impl Expanded {
    #[track_caller]
    pub(crate) fn of(fragment: &Value) -> Self {
        let settings = MacroSettings {
            default_role: Some("arn:aws:iam::000000000000:role/default".to_owned()),
            default_runner_image: "image".to_owned(),
            default_vpc_subnets: Some(vec!["subnet-a".to_owned(), "subnet-b".to_owned()]),
            queue_interval_seconds: 30,
        };
        let request = json!({
            "requestId": "r", "region": "eu-west-1", "accountId": "000000000000", "templateParameterValues": {},
            "fragment": fragment,
        });
        let mut response = macro_response(&request, &settings, "uuid");
        assert_eq!(response["status"], "success", "{response}");
        Self(response["fragment"].take())
    }

    /// Logical ids of the resources of a type.
    pub(crate) fn of_type(&self, kind: &str) -> Vec<&str> {
        let resources = self.0["Resources"].as_object().unwrap().iter();
        resources.filter(|(_, resource)| resource["Type"] == kind).map(|(id, _)| id.as_str()).collect()
    }

    pub(crate) fn resource(&self, id: &str) -> &Value {
        &self.0["Resources"][id]
    }

    /// The only state machine.
    #[track_caller]
    pub(crate) fn machine(&self) -> &Value {
        let machines = self.of_type("AWS::Serverless::StateMachine");
        assert_eq!(machines.len(), 1, "{machines:?}");
        self.resource(machines[0])
    }

    /// Its states.
    #[track_caller]
    pub(crate) fn states(&self) -> &Value {
        &self.machine()["Properties"]["Definition"]["States"]
    }

    /// The properties of a step that is a task of the framework.
    #[track_caller]
    pub(crate) fn properties(state: &Value) -> &Value {
        let properties = &state["Parameters"]["Payload"]["Properties"];
        assert!(properties.is_object(), "{state}");
        properties
    }
}

/// All projects, in the order of their numbers.
pub(crate) fn names() -> Vec<String> {
    let folder: &Path = &repository().join(FIXTURES).join("projects");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> =
        entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
