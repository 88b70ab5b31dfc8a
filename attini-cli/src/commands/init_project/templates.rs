//! The projects that `init-project` can start with: the folders of `attini-cli/templates`, built into the program.

/// A project to start with.
#[derive(Debug)]
pub(super) struct Template {
    /// Name of its folder and of its sub-command.
    pub(super) name: &'static str,
    /// What it is, in a few words.
    pub(super) summary: &'static str,
    /// Paths and contents of its files.
    pub(super) files: &'static [(&'static str, &'static str)],
}

/// The ignore file would count for this repository if it had its real name here.
const GITIGNORE: &str = "gitignore";

impl Template {
    /// Returns the path that a file has in a project.
    pub(super) fn target(path: &'static str) -> &'static str {
        if path == GITIGNORE { ".gitignore" } else { path }
    }
}

macro_rules! template {
    ($name:literal, $summary:literal, [$($path:literal),* $(,)?]) => {
        Template {
            name: $name,
            summary: $summary,
            files: &[$(($path, include_str!(concat!("../../../templates/", $name, "/", $path)))),*],
        }
    };
}

pub(super) const HELLO_WORLD: Template = template!(
    "hello-world",
    "a job, a stack that takes its output, and a job that takes the stack's",
    [
        "README.md",
        "attini-config.yaml",
        "deployment-plan.yaml",
        "gitignore",
        "scripts/greet.sh",
        "stacks/greeting.yaml",
    ]
);

pub(super) const SKELETON: Template = template!(
    "skeleton",
    "as little as a distribution can be: a plan with one stack",
    ["README.md", "attini-config.yaml", "deployment-plan.yaml", "gitignore", "stacks/first-stack.yaml"]
);

pub(super) const SIMPLE_WEBSITE: Template = template!(
    "simple-website",
    "a bucket behind a content delivery network, and a job that publishes pages",
    [
        "README.md",
        "attini-config.yaml",
        "deployment-plan.yaml",
        "gitignore",
        "scripts/publish.sh",
        "site/index.html",
        "site/style.css",
        "stacks/website.yaml",
    ]
);

pub(super) const SAM_PROJECT: Template = template!(
    "sam-project",
    "a function in Python, built and deployed with the AWS SAM command line",
    [
        "README.md",
        "app/src/app.py",
        "app/src/requirements.txt",
        "app/template.yaml",
        "attini-config.yaml",
        "deployment-plan.yaml",
        "gitignore",
    ]
);

pub(super) const CDK_TYPESCRIPT: Template = template!(
    "cdk-typescript",
    "a CDK app in TypeScript, and a job that takes an output of its stack",
    [
        "README.md",
        "app/bin/app.ts",
        "app/cdk.json",
        "app/lib/app-stack.ts",
        "app/package.json",
        "app/tsconfig.json",
        "attini-config.yaml",
        "deployment-plan.yaml",
        "gitignore",
    ]
);

pub(super) const CDK_PYTHON: Template = template!(
    "cdk-python",
    "a CDK app in Python, and a job that takes an output of its stack",
    [
        "README.md",
        "app/app.py",
        "app/app_stack.py",
        "app/cdk.json",
        "app/requirements.txt",
        "attini-config.yaml",
        "deployment-plan.yaml",
        "gitignore",
    ]
);

/// All templates, in the order of the help text.
pub(super) const ALL: [&Template; 6] =
    [&HELLO_WORLD, &SKELETON, &SIMPLE_WEBSITE, &SAM_PROJECT, &CDK_TYPESCRIPT, &CDK_PYTHON];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn files_below(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_below(&path, root, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_of_the_folders_is_built_in() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut names: Vec<_> =
            fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let mut known = ALL.map(|template| template.name);
        known.sort_unstable();
        assert_eq!(names, known);
        for template in ALL {
            let folder = root.join(template.name);
            let mut found = Vec::new();
            files_below(&folder, &folder, &mut found);
            found.sort();
            let listed: Vec<_> = template.files.iter().map(|(path, _)| *path).collect();
            assert_eq!(listed, found, "{}", template.name);
            for needed in ["README.md", "gitignore", "attini-config.yaml", "deployment-plan.yaml"] {
                assert!(listed.contains(&needed), "{} has no {needed}", template.name);
            }
        }
    }
}
