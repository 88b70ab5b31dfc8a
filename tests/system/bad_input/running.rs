//! Mistakes in files that only a step reads: the step says so, and its stack is not touched.

use super::*;

const STACK: &str = "Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\n";

/// A project whose only step deploys `/stack.yaml` with `/config.yaml`.
fn files(more: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
    let step = |config: &str, template: &str| {
        format!(
            "        - Name: Stack\n          Type: AttiniCfn\n          Properties: {{StackName: shop, Template: {template}, \
             ConfigFile: {config}}}\n"
        )
    };
    let is_json = more.iter().any(|(path, _)| *path == "config.json");
    let config = if is_json { "/config.json" } else { "/config.yaml" };
    let template = match more.iter().find_map(|(path, content)| (*path == "(template)").then_some(content)) {
        Some(template) => template.as_str(),
        None => "/stack.yaml",
    };
    let mut files = vec![
        ("attini-config.yaml", CONFIG.to_owned()),
        ("plan.yaml", plan(&step(config, template))),
        ("config.yaml", "parameters: {}\n".to_owned()),
        ("stack.yaml", STACK.to_owned()),
    ];
    files.retain(|(path, _)| more.iter().all(|(replaced, _)| replaced != path));
    files.extend(more.iter().filter(|(path, _)| *path != "(template)").cloned());
    files
}

fn cases() -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let config = |text: &str| files(&[("config.yaml", text.to_owned())]);
    vec![
        ("broken YAML in a stack configuration", config("parameters: {\n")),
        ("an unknown field in a stack configuration", config("parametres: {}\n")),
        ("a wrong type in a stack configuration", config("parameters: 5\n")),
        ("a configuration that extends itself", config("extends: /config.yaml\n")),
        (
            "configurations that extend each other",
            files(&[
                ("config.yaml", "extends: /b.yaml\n".to_owned()),
                ("b.yaml", "extends: /config.yaml\n".to_owned()),
            ]),
        ),
        ("a configuration that extends what is not there", config("extends: /gone.yaml\n")),
        ("a configuration that extends what is outside", config("extends: ../../../../etc/passwd\n")),
        ("a configuration that extends what is far outside", config("extends: /../../../../../../../../etc/passwd\n")),
        ("an alias bomb in a stack configuration", config(&alias_bomb())),
        ("nested brackets in a stack configuration", config(&format!("parameters: {}\n", nested()))),
        (
            "nested brackets in a stack configuration in JSON",
            files(&[("config.json", format!("{{\"parameters\": {}}}", nested()))]),
        ),
        ("a stack's template that is not there", files(&[("(template)", "/gone.yaml".to_owned())])),
        ("a stack's template outside", files(&[("(template)", "/../../../../../records.db".to_owned())])),
        ("broken YAML in a stack's template", files(&[("stack.yaml", "Resources: {\n".to_owned())])),
        ("an alias bomb in a stack's template", files(&[("stack.yaml", alias_bomb())])),
        ("nested brackets in a stack's template", files(&[("stack.yaml", format!("Resources: {}\n", nested()))])),
        ("a stack's template without resources", files(&[("stack.yaml", "Resources: {}\n".to_owned())])),
    ]
}

#[test]
fn mistakes_that_a_step_finds_fail_the_step_and_leave_its_stack_alone() {
    let env = TestEnv::new();
    let mut told = String::new();
    for (at, (name, mut files)) in cases().into_iter().enumerate() {
        // An id of its own each, as the content differs.
        let config = files.iter_mut().find(|(path, _)| *path == "attini-config.yaml").unwrap();
        config.1 = config.1.replace("Id: one", &format!("Id: case-{at}"));
        let project = project(&env, &files);
        let run = deploy(&env, &project);
        assert_ne!(run.code, 0, "{name}: {}", run.stdout);
        assert!(!run.stdout.contains("CREATE_IN_PROGRESS shop "), "{name}: {}", run.stdout);
        told.push_str(&format!("== {name}\n{}\n", failure(&env, &run)));
    }
    insta::assert_snapshot!(told);
    // None of it stands in the way of what comes after.
    let project = project(&env, &files(&[]));
    let run = deploy(&env, &project).exits(0);
    assert!(run.stdout.contains("CREATE_COMPLETE shop "), "{}", run.stdout);
}
