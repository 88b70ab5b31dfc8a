//! Projects with mistakes that packaging finds.

use super::*;

fn config(text: &str) -> Vec<(&'static str, String)> {
    vec![("attini-config.yaml", text.to_owned()), ("plan.yaml", plan(STEP))]
}

fn template(text: String) -> Vec<(&'static str, String)> {
    vec![("attini-config.yaml", CONFIG.to_owned()), ("plan.yaml", text)]
}

fn init_template(path: &str) -> Vec<(&'static str, String)> {
    config(&CONFIG.replace("plan.yaml", path))
}

const STEP: &str = "        - {Name: Only, Type: Pass}\n";

fn cases() -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let json_config = |extra: &str| {
        format!("{{\"distributionName\": \"shop\", \"initDeployConfig\": {{\"template\": \"plan.yaml\", {extra}}}}}")
    };
    vec![
        ("broken YAML in the configuration", config("distributionName: shop\nversion: [1\nx: {")),
        ("broken YAML in the template", template(plan("        - Name: \"Only\n          Type: Pass\n"))),
        ("a tab in the template", template(plan("\t- Name: Only\n"))),
        ("an unknown field in the configuration", config(&format!("{CONFIG}dependancies: []\n"))),
        ("an unknown field in the plan", template(plan(STEP).replace("DeploymentPlan:\n", "DeploymentPlann:\n"))),
        ("a wrong type in the configuration", config("distributionName: [shop]\ninitDeployConfig: 4\n")),
        (
            "a wrong type in a step",
            template(plan(
                "        - Name: Build\n          Type: AttiniRunnerJob\n          Properties: {Commands: 5}\n",
            )),
        ),
        ("a missing template", init_template("gone.yaml")),
        ("a template above the project", init_template("../x.yaml")),
        ("a template far above the project", init_template("/../../../etc/passwd")),
        ("a template above the project on a detour", init_template("stacks/../../x.yaml")),
        ("a duplicate step", template(plan(&STEP.repeat(2)))),
        (
            "a duplicate key",
            template(plan("        - {Name: Only, Type: Pass}\n").replace("Resources:", "Resources: {}\nResources:")),
        ),
        (
            "a Next to nowhere",
            template(plan(
                "        StartAt: A\n        States:\n          A: {Type: Pass, Next: Bb}\n          B: {Type: Succeed}\n",
            )),
        ),
        (
            "an unknown runner",
            template(plan(
                "        - Name: Build\n          Type: AttiniRunnerJob\n          Properties: {Runner: Big, Commands: [make]}\n",
            )),
        ),
        ("an unknown step type", template(plan("        - {Name: Only, Type: AttiniRunerJob}\n"))),
        (
            "step types of later versions",
            template(plan(
                "        - Name: Web\n          Type: AttiniSam\n          Properties: {StackName: web, Project: {Path: /web}}\n        \
                 - Name: Infra\n          Type: AttiniCdk\n          Properties: {Path: /infra}\n        \
                 - Name: Shared\n          Type: AttiniImport\n          Properties: {Source: {Distribution: Name}, Mapping: {}}\n",
            )),
        ),
        ("an alias bomb in the configuration", config(&format!("{CONFIG}{}", alias_bomb()))),
        ("an alias bomb in the template", template(alias_bomb())),
        ("nested brackets in the configuration", config(&format!("distributionName: {}\n", nested()))),
        (
            "nested brackets in a configuration in JSON",
            vec![
                ("attini-config.json", json_config(&format!("\"stackName\": {}", nested()))),
                ("plan.yaml", plan(STEP)),
            ],
        ),
        ("nested brackets in the template", template(format!("Resources: {}\n", nested()))),
        (
            "nested brackets in a template in JSON",
            vec![
                ("attini-config.yaml", CONFIG.replace("plan.yaml", "plan.json")),
                ("plan.json", format!("{{\"Resources\": {}}}", nested())),
            ],
        ),
        ("20,000 maps in one another", template("a: ".repeat(20_000))),
        (
            "a name outside the allowed characters",
            config(&CONFIG.replace("name: shop", "name: ../shop").replace("Name: shop", "Name: ../shop")),
        ),
        ("an id outside the allowed characters", config(&CONFIG.replace("Id: one", "Id: a/../b"))),
        ("two configurations", [config(CONFIG), vec![("attini-config.json", "{}".to_owned())]].concat()),
        ("no configuration", vec![("plan.yaml", plan(STEP))]),
        ("a configuration that is no text", vec![("attini-config.yaml", "\u{0}\u{1}".to_owned())]),
    ]
}

#[test]
fn mistakes_in_projects_are_told_with_their_place_and_change_nothing() {
    let env = TestEnv::new();
    let mut told = String::new();
    for (name, files) in cases() {
        let project = project(&env, &files);
        let zip = project.join("attini_dist/shop.zip");
        fs::create_dir_all(zip.parent().unwrap()).unwrap();
        fs::write(&zip, "the previous one").unwrap();
        let run = deploy(&env, &project);
        assert_ne!(run.code, 0, "{name}");
        assert_eq!(fs::read_to_string(&zip).unwrap(), "the previous one", "{name}");
        assert!(!run.stdout.contains("environment"), "{name}: {}", run.stdout);
        told.push_str(&format!("== {name}\n{}\n", failure(&env, &run)));
    }
    insta::assert_snapshot!(told);
    has_no_environments(&env);
}
