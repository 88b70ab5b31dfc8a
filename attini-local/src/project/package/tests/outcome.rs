//! What comes out.

use attini_core::value::{DistributionId, Version};
use serde_json::json;

use super::*;

#[test]
fn cli_case_8_names_may_start_with_a_digit_and_hold_dots() {
    for name in ["a-B-9", "1abc", "my_app.v2"] {
        let project = Project::of(&[("attini-config.yaml", &format!("distributionName: {name}\n"))]);
        assert_eq!(project.package().packaged().zip, project.path().join(format!("attini_dist/{name}.zip")));
    }
}

#[test]
fn cli_case_10_the_id_keeps_its_spelling_and_is_quoted() {
    let text = "distributionName: shop # why\ndistributionId: 0123\nversion: 1.10\ndistributionTags: {a: 0x1}\n";
    let project = Project::of(&[("attini-config.yaml", text)]);
    let made = project.package();
    insta::assert_snapshot!(made.file("attini-config.yaml"), @r#"
    distributionName: shop # why
    distributionId: "0123"
    version: "1.10"
    distributionTags: {a: "0x1"}
    "#);
    let packaged = made.packaged();
    assert_eq!((packaged.id.as_str(), packaged.tags["a"].as_str()), ("0123", "0x1"));
    assert_eq!(packaged.version.as_ref().map(Version::as_str), Some("1.10"));
}

#[test]
fn cli_case_11_a_missing_id_is_random_and_the_source_stays() {
    for text in [
        "distributionName: shop\n",
        "distributionName: shop\ndistributionId:\n",
        "{distributionName: shop, distributionId: ' '}",
    ] {
        let project = Project::of(&[("attini-config.yaml", text)]);
        let (one, other) = (project.package(), project.package());
        let ids = [&one, &other].map(|made| made.packaged().id.to_string());
        assert!(ids.iter().all(|id| id.len() == 36 && id.as_bytes()[14] == b'4') && ids[0] != ids[1], "{ids:?}");
        assert_eq!(other.config().distribution_id.unwrap().as_str(), ids[1]);
        assert!(one.messages.iter().any(|message| message.contains("No distributionId is set")), "{:?}", one.messages);
        assert_eq!(fs::read_to_string(project.path().join("attini-config.yaml")).unwrap(), text);
    }
}

#[test]
fn cli_case_12_an_id_that_was_asked_for_wins_over_commands() {
    let id = DistributionId::parse("X").unwrap();
    let nested = Project::with_commands(
        &["attini configure set-dist-id --random", "grep distributionId attini-config.yaml"],
        &[],
    );
    let made = Made::by(&PackageOptions { distribution_id: Some(&id), ..nested.options() });
    assert_eq!((made.packaged().id.as_str(), made.config().distribution_id.as_ref()), ("X", Some(&id)));
    assert!(made.output.contains(&"stays X".to_owned()), "{:?}", made.output);
    assert!(made.output.contains(&"distributionId: \"X\"".to_owned()), "{:?}", made.output);

    let by_hand = Project::with_commands(&["sed -i 's/^distributionId.*/distributionId: Y/' attini-config.yaml"], &[]);
    let made = Made::by(&PackageOptions { distribution_id: Some(&id), ..by_hand.options() });
    assert_eq!(made.packaged().id, id);

    let none_asked = Project::with_commands(&["attini configure set-dist-id --id Z"], &[]);
    assert_eq!(none_asked.package().packaged().id.as_str(), "Z");
}

#[test]
fn cli_case_13_a_version_that_was_asked_for() {
    let project = Project::of(&[("attini-config.yaml", "distributionName: shop\nversion: 1.0.0\n")]);
    let version = Version::new("1.2.0-rc.1+5");
    let made = Made::by(&PackageOptions { distribution_version: version.as_ref(), ..project.options() });
    assert_eq!((&made.packaged().version, &made.config().version), (&version, &version));
    assert!(made.messages.contains(&"Distribution version set to: 1.2.0-rc.1+5".to_owned()));
}

#[test]
fn cli_case_14_what_commands_make_goes_in() {
    let project = Project::with_commands(&["A=1", "cd sub", "echo $A > out.txt"], &[("sub/x", "")]);
    assert_eq!(project.package().file("sub/out.txt"), "1\n");
    assert!(!project.path().join("sub/out.txt").exists());
}

#[test]
fn cli_case_18_commands_can_be_left_out() {
    let project = Project::with_commands(&["false"], &[]);
    Made::by(&PackageOptions { skip_commands: true, ..project.options() }).packaged();
}

#[test]
fn cli_case_19_the_zip_has_the_name_that_was_asked_for_and_later_commands_see_it() {
    let config = "distributionName: shop\npackage: {postPackage: {commands: ['test -f $ATTINI_WORK_DIR/foo.zip', \
                  'cat attini-config.yaml', 'echo seen > foo.zip']}}\n";
    let project = Project::of(&[("attini-config.yaml", config)]);
    for name in ["foo", "foo.zip"] {
        let made = Made::by(&PackageOptions { file_name: Some(name), ..project.options() });
        assert_eq!(made.packaged().zip, project.path().join("attini_dist/foo.zip"));
        // The zip is theirs to change.
        assert_eq!(fs::read_to_string(&made.packaged().zip).unwrap(), "seen\n");
        let id = format!("distributionId: \"{}\"", made.packaged().id);
        assert!(made.output.iter().any(|line| line.contains(&id)), "{:?}", made.output);
    }
    assert_eq!(project.dist(), ["foo.zip"]);
}

#[test]
fn the_manifest_holds_whatever_commands_after_packaging_do() {
    let mut changed = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (path, text) in [("attini-config.yaml", "distributionName: shop\n"), ("attini-manifest.json", "{}")] {
        changed.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
        io::Write::write_all(&mut changed, text.as_bytes()).unwrap();
    }
    let changed = changed.finish().unwrap().into_inner();
    for (command, rewritten) in [("true", false), ("cp other.bin shop.zip", true)] {
        let config = format!("distributionName: shop\npackage: {{postPackage: {{commands: [{command}]}}}}\n");
        let project = Project::of(&[("attini-config.yaml", &config)]);
        fs::write(project.path().join("other.bin"), &changed).unwrap();
        let made = project.package();
        let content = Content::read(&mut made.open()).unwrap();
        assert!(matches!(content.manifest, ManifestState::Matches), "{command}: {:?}", content.manifest);
        let told = made.messages.iter().any(|text| text.contains("its manifest is written anew"));
        assert_eq!(told, rewritten, "{:?}", made.messages);
        assert_eq!(made.warnings, [""; 0]);
    }
}

#[test]
fn the_file_name_is_that_of_the_source() {
    let project = Project::with_commands(&["sed -i s/shop/store/ attini-config.yaml"], &[]);
    let made = project.package();
    assert_eq!(made.packaged().zip, project.path().join("attini_dist/shop.zip"));
    assert_eq!(made.packaged().name.as_str(), "store");
}

#[test]
fn cli_case_20_defaults_without_an_ignore_file() {
    let files = ["a.txt", ".env", "d/.x", "b c.txt", "d/e@f", "node_modules/m/i.js"].map(|path| (path, "x"));
    for commands in [&[] as &[&str], &["true"]] {
        let project = Project::with_commands(commands, &files);
        let made = project.package();
        assert_eq!(made.paths(), ["a.txt", "attini-config.yaml", "d/"]);
        insta::allow_duplicates! { insta::assert_snapshot!(made.warnings.join("\n"), @"
        b c.txt is left out because its name contains ' ' (rename it, or list it in .attini-ignore)
        d/e@f is left out because its name contains '@' (rename it, or list it in .attini-ignore)
        ") };
        assert!(made.messages.contains(&"Left out, hidden: .env, d/.x".to_owned()), "{:?}", made.messages);
    }
}

#[test]
fn cli_case_21_rules_leave_out_and_are_named() {
    let files = [(".attini-ignore", "*.md\nsrc"), ("r.md", ""), ("d/r.md", ""), ("src/x", ""), ("ok", "")];
    let project = Project::with_commands(&[], &files);
    let made = project.package();
    assert_eq!(made.paths(), [".attini-ignore", "attini-config.yaml", "d/", "d/r.md", "ok"]);
    let rules: Vec<_> = made.messages.iter().filter(|message| message.starts_with("Left out")).collect();
    assert_eq!(
        rules,
        ["Left out, line 1 of .attini-ignore `*.md`: r.md", "Left out, line 2 of .attini-ignore `src`: src"]
    );
}

#[test]
fn rules_that_a_command_writes_hold() {
    let project = Project::with_commands(&["echo '*.md' > .attini-ignore"], &[("a.md", "")]);
    assert_eq!(project.package().paths(), [".attini-ignore", "attini-config.yaml"]);
}

#[test]
fn cli_case_25_equal_projects_give_equal_bytes_with_and_without_a_copy() {
    let files = [("a/b/run.sh", "echo"), ("z", "")];
    let id = DistributionId::parse("7").unwrap();
    let config = "distributionName: shop\npackage: {prePackage: {commands: [\"true\"]}}\n";
    let project = Project::of(&files);
    project.write("attini-config.yaml", config);
    fs::set_permissions(project.path().join("a/b/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let bytes = |skip_commands| {
        let options = PackageOptions { distribution_id: Some(&id), skip_commands, ..project.options() };
        let made = Made::by(&options);
        assert_eq!(made.paths(), ["a/", "a/b/", "a/b/run.sh", "attini-config.yaml", "z"]);
        let executable: Vec<_> = made.packaged().report.files.iter().filter(|file| file.executable).collect();
        assert_eq!((executable.len(), executable[0].path.as_str()), (1, "a/b/run.sh"));
        fs::read(&made.packaged().zip).unwrap()
    };
    let first = bytes(false);
    assert!(first == bytes(false) && first == bytes(true));
}

#[test]
fn the_time_of_the_entries_is_a_choice() {
    let project = Project::of(&[("attini-config.yaml", "distributionName: shop\ndistributionId: a\n")]);
    let bytes = |time| {
        let made = Made::by(&PackageOptions { time, ..project.options() });
        fs::read(&made.packaged().zip).unwrap()
    };
    assert_ne!(bytes(EntryTime::default()), bytes(EntryTime::from_epoch(1_000_000_000)));
}

const LIST: &str = "\
Transform: [AttiniDeploymentPlan]
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
";

fn list_plan(steps: &str) -> String {
    let lines = steps.lines().map(|line| format!("        {line}\n"));
    LIST.to_owned() + &lines.collect::<String>()
}

#[test]
fn cli_case_26_a_plan_in_list_syntax_becomes_a_state_machine() {
    let steps = "\
- {Name: A, Type: AttiniManualApproval}
- Name: IsProd?
  Type: Choice
  Condition: {Variable: $.environment, StringEquals: prod}
  IsTrue:
    - {Name: Approve, Type: AttiniManualApproval}
- Name: Both
  Type: Parallel
  Branches:
    - [{Name: B1, Type: Pass}]
    - [{Name: B2, Type: Pass}]
";
    let project = Project::with_template(&list_plan(steps), &[]);
    let made = project.package();
    let plan = &made.json("plan.yaml")["Resources"]["Plan"]["Properties"]["DeploymentPlan"];
    assert_eq!(plan["StartAt"], "A");
    let states = &plan["States"];
    let names: Vec<_> = states.as_object().unwrap().keys().collect();
    assert_eq!(names, ["A", "IsProd?", "Approve", "Both", "Both-Merge"]);
    assert_eq!(states["IsProd?"]["Choices"][0]["Next"], "Approve");
    assert_eq!((&states["IsProd?"]["Default"], &states["Approve"]["Next"]), (&json!("Both"), &json!("Both")));
    assert_eq!((&states["Both"]["Next"], &states["Both-Merge"]["End"]), (&json!("Both-Merge"), &json!(true)));
    assert_eq!(made.file("attini_data/attini-metadata.json"), r#"{"usedRunners":[],"samProjects":[]}"#);
    assert_eq!(made.paths(), ["attini-config.yaml", "attini_data/", "attini_data/attini-metadata.json", "plan.yaml"]);
}

#[test]
fn cli_case_27_a_merge_step_that_is_there_is_enough() {
    let steps = "\
- {Name: P, Type: Parallel, Branches: [[{Name: B, Type: Pass}]]}
- {Name: M, Type: AttiniMergeOutput}
";
    let project = Project::with_template(&list_plan(steps), &[]);
    let made = project.package();
    let plan = made.json("plan.yaml");
    let states = &plan["Resources"]["Plan"]["Properties"]["DeploymentPlan"]["States"];
    assert_eq!(states.as_object().unwrap().keys().collect::<Vec<_>>(), ["P", "M"]);
}

#[test]
fn cli_case_28_a_last_choice_gets_an_end() {
    let steps = "\
- Name: C
  Type: Choice
  Condition: {Variable: $.environment, StringEquals: prod}
  IsTrue: [{Name: T, Type: Pass}]
";
    let project = Project::with_template(&list_plan(steps), &[]);
    let made = project.package();
    let plan = made.json("plan.yaml");
    let states = &plan["Resources"]["Plan"]["Properties"]["DeploymentPlan"]["States"];
    assert_eq!(states["C"]["Default"], "C-End");
    assert_eq!(states["C-End"], json!({ "Type": "Pass", "End": true }));
}

#[test]
fn a_template_with_states_stays_as_it_is() {
    let template = "\
# comment
Resources:
  R: {Type: Attini::Deploy::Runner}
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
        StartAt: A
        States:
          A: {Type: AttiniRunnerJob, Properties: {Runner: R, Commands: [ls]}, End: true}
";
    for commands in ["", "package: {prePackage: {commands: ['true']}}\n"] {
        // What an earlier packaging left behind is replaced.
        let project = Project::with_template(template, &[("attini_data/attini-metadata.json", "old")]);
        let config = fs::read_to_string(project.path().join("attini-config.yaml")).unwrap();
        project.write("attini-config.yaml", &(config + commands));
        let made = project.package();
        assert_eq!(made.file("plan.yaml"), template);
        assert_eq!(made.file("attini_data/attini-metadata.json"), r#"{"usedRunners":["R"],"samProjects":[]}"#);
        assert_eq!(fs::read_to_string(project.path().join("attini_data/attini-metadata.json")).unwrap(), "old");
    }
}

#[test]
fn a_command_can_make_the_template() {
    let config = "distributionName: shop\ninitDeployConfig: {template: out/plan.json, stackName: s}\n\
                  package:\n  prePackage:\n    commands:\n      - mkdir out\n      - echo '{\"Resources\":{}}' > out/plan.json\n";
    let project = Project::of(&[("attini-config.yaml", config)]);
    let made = project.package();
    assert_eq!(made.file("out/plan.json"), "{\"Resources\":{}}\n");
}

#[test]
fn cli_case_31_all_short_tags_are_taken() {
    let template = list_plan("- {Name: A, Type: Pass, Result: {a: !ToJsonString {b: 1}}}\n")
        + "  Q: {Type: AWS::SQS::Queue, Condition: C, Properties: {QueueName: !If [C, a, b]}}\n\
           Conditions: {D: !Equals [a, b], C: !Not [!Condition D]}\n";
    Project::with_template(&template, &[]).package().packaged();
}

#[test]
fn a_file_that_the_commands_linked_to_is_not_written_through() {
    let outside = tempfile::tempdir().unwrap();
    let shared = outside.path().join("config.yaml");
    fs::write(&shared, "distributionName: shop\n").unwrap();
    let project = Project::with_commands(&[&format!("ln -sf {} attini-config.yaml", shared.display())], &[]);
    let made = project.package();
    assert!(made.config().distribution_id.is_some());
    assert_eq!(fs::read_to_string(&shared).unwrap(), "distributionName: shop\n");
}

#[test]
fn the_projects_of_users_and_the_examples_package() {
    let folders = ["examples", "tests/fixtures/projects"].map(|folder| repository().join(folder));
    let projects = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let projects: Vec<_> = projects.filter(|path| path.join("attini-config.yaml").is_file()).collect();
    assert!(projects.len() >= 7, "{projects:?}");
    for path in projects {
        let copy = WorkCopy::of(&path).unwrap();
        let stand_in = Project::of(&[]);
        let made = Made::by(&PackageOptions { directory: copy.path(), ..stand_in.options() });
        assert!(made.warnings.is_empty(), "{}: {:?}", path.display(), made.warnings);
        assert!(made.paths().contains(&"attini_data/attini-metadata.json".to_owned()), "{}", path.display());
    }
}
