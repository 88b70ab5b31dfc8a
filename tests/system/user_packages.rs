//! What becomes of the projects of users when they are packaged (user-projects.md 8).

use attini_core::config::Config;

use crate::packaged::{Packaged, env_of, names, project};
use crate::support::edit;

#[test]
fn user_case_1_all_configurations_are_whole_and_have_no_unknown_keys() {
    let names = names();
    assert_eq!(names.len(), 19, "{names:?}");
    for name in &names {
        let env = env_of(name);
        let text = std::fs::read_to_string(project(&env, name).join("attini-config.yaml")).unwrap();
        let (config, warnings) = Config::parse("attini-config.yaml", &text).unwrap();
        assert!(warnings.is_empty(), "{name}: {warnings:?}");
        assert!(config.distribution_name.is_some() && config.distribution_id.is_none(), "{name}");
        let init = config.init_deploy.unwrap();
        assert!(!init.template.is_empty() && !config.package.pre_commands.is_empty(), "{name}");
    }
}

#[test]
fn all_projects_package_and_can_be_inspected_and_verified() {
    for name in names() {
        let packaged = Packaged::of(&name);
        let paths = packaged.paths();
        for path in ["attini-config.yaml", "attini_data/attini-metadata.json"] {
            assert!(paths.iter().any(|found| found == path), "{name} has no {path}: {paths:?}");
        }
        // Some have patterns of their own, which leave the empty folder.
        let from_npm = paths.iter().find(|path| path.contains("node_modules/") && !path.ends_with('/'));
        assert_eq!(from_npm, None, "{name}");
        let inspected = packaged.inspect();
        let config = Config::parse("attini-config.yaml", &packaged.text("attini-config.yaml")).unwrap().0;
        assert_eq!(inspected["distributionName"], config.distribution_name.unwrap().as_str(), "{name}: {inspected}");
        let id = config.distribution_id.unwrap();
        assert_eq!(inspected["distributionId"], id.as_str(), "{name}: {inspected}");
        let verified = packaged.verify();
        let found = ["manifest", "signature", "digest"].map(|key| &verified[key]);
        assert_eq!(found, [&"matches".into(), &"unsigned".into(), &inspected["digest"]], "{name}: {verified}");
    }
}

#[test]
fn user_case_19_a_sam_project_travels_with_its_hidden_build() {
    let packaged = Packaged::of("19-sam");
    packaged.run.line("sam build --use-container in hello-world-app");
    // What the commands built is not built again.
    assert!(!packaged.run.stdout.contains("Building SAM project"), "{}", packaged.run.stdout);
    assert_eq!(
        packaged.paths_in("hello-world-app/attiniSamProject.zip"),
        [
            ".aws-sam/",
            ".aws-sam/build/",
            ".aws-sam/build/Function/",
            ".aws-sam/build/Function/app.py",
            ".aws-sam/build/template.yaml",
            "template.yaml",
            // Every zip that packaging writes says what is in it.
            "attini-manifest.json"
        ]
    );
    let wanted = serde_json::json!([{
        "path": "/hello-world-app", "buildDir": ".aws-sam/build", "template": "template.yaml", "stepName": "Deploy_App",
    }]);
    assert_eq!(packaged.metadata()["samProjects"], wanted);
}

#[test]
fn user_case_19_a_build_that_is_there_is_taken_as_it_is() {
    let packaged = Packaged::of("01-integration-test");
    assert!(!packaged.run.stdout.contains("sam build"), "{}", packaged.run.stdout);
    let paths = packaged.paths_in("python-sam-app/attiniSamProject.zip");
    assert!(paths.contains(&".aws-sam/build/template.yaml".to_owned()), "{paths:?}");
    assert_eq!(packaged.metadata()["samProjects"][0]["path"], "/python-sam-app");
    assert_eq!(packaged.metadata()["usedRunners"], serde_json::json!(["Ec2Runner", "FargateRunner"]));
}

#[test]
fn cli_case_32_a_sam_project_that_is_not_built_is_built_in_the_copy() {
    let env = env_of("19-sam");
    let project = project(&env, "19-sam");
    let commands = "      - cd hello-world-app\n      - sam build --use-container\n";
    edit(&project.join("attini-config.yaml"), commands, "");
    let folder = project.to_str().unwrap();
    let built = "sam build --build-dir .aws-sam/build --template template.yaml in hello-world-app";
    env.attini(["package", folder]).exits(0).tells(&["Building SAM project /hello-world-app", built]);
    assert!(!project.join("hello-world-app/.aws-sam").exists());
    assert!(!project.join("hello-world-app/attiniSamProject.zip").exists());

    // Without any command a copy is made all the same.
    edit(&project.join("attini-config.yaml"), "      - attini configure set-dist-id --random", "      []");
    edit(&project.join("attini-config.yaml"), "commands:\n      []", "commands: []");
    env.attini(["package", folder]).exits(0).tells(&[built]);
    assert!(!project.join("hello-world-app/.aws-sam").exists());

    let run = env.attini(["package", folder, "--skip-commands"]).exits(1);
    run.complains(&["/hello-world-app is not built", "--skip-commands"]);

    std::fs::write(project.join("hello-world-app/fail"), "").unwrap();
    env.attini(["package", folder]).exits(1).complains(&["Could not package sam, exit code: 3"]);

    let output = env.command(["package", folder]).env("PATH", "/usr/bin:/bin").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && text.contains("`sam` is not installed"), "{text}");
}

#[test]
fn sam_projects_that_cannot_be_packaged_are_explained() {
    for (file, from, to, wanted) in [
        ("deployment-plan.yaml", "Path: /hello-world-app", "Path: /gone", "there is no folder `/gone`"),
        ("deployment-plan.yaml", "Path: /hello-world-app", "Path: /../x", "leads out of the distribution"),
        ("hello-world-app/template.yaml", "Handler: app.handler", "PackageType: Image", "PackageType Image"),
    ] {
        let env = env_of("19-sam");
        let project = project(&env, "19-sam");
        edit(&project.join(file), from, to);
        let run = env.attini(["package", project.to_str().unwrap()]).exits(151);
        run.complains(&["step Deploy_App", wanted, "deployment-plan.yaml:"]);
    }
}

#[test]
fn two_steps_of_one_sam_project_share_a_zip() {
    let env = env_of("19-sam");
    let project = project(&env, "19-sam");
    let more = "Path: /hello-world-app\n        - Name: Again\n          Type: AttiniSam\n          Properties:\n            \
                StackName: again\n            Project:\n              Path: hello-world-app";
    edit(
        &project.join("deployment-plan.yaml"),
        "Path: /hello-world-app\n            Parameters:\n              TableName.$: $.output.Deploy_Database.TableName",
        more,
    );
    let run = env.attini(["package", project.to_str().unwrap()]).exits(0);
    let zip = run.line("Distribution created: ").trim_start_matches("Distribution created: ").into();
    let packaged = Packaged { run, zip, env };
    let paths = packaged.paths_in("hello-world-app/attiniSamProject.zip");
    assert!(!paths.contains(&"attiniSamProject.zip".to_owned()), "{paths:?}");
    let projects = packaged.metadata()["samProjects"].take();
    let names: Vec<_> = projects.as_array().unwrap().iter().map(|it| &it["stepName"]).collect();
    assert_eq!(names, ["Deploy_App", "Again"]);
}

#[test]
fn user_case_20_a_pattern_for_folders_below_spares_the_one_at_the_root() {
    let paths = Packaged::of("07-synth-in-package").paths();
    assert!(paths.contains(&"cdk.out/CdkExampleSQS.template.json".to_owned()), "{paths:?}");
    for absent in ["cdk-example-project/cdk.out/", "cdk-example-project/node_modules/"] {
        assert!(!paths.iter().any(|path| path.starts_with(absent) && path != absent), "{absent}: {paths:?}");
    }
}

#[test]
fn user_case_21_the_id_comes_from_the_build_or_from_the_clock() {
    for name in ["09-demo-python", "11-init-cdk-typescript"] {
        let from_build = Packaged::by(env_of(name).with("GITHUB_SHA", "abc"), name);
        assert_eq!(from_build.inspect()["distributionId"], "abc");
        let by_clock = Packaged::of(name).inspect()["distributionId"].take();
        let (seconds, rest) = by_clock.as_str().unwrap().split_once('-').unwrap();
        assert!(seconds.parse::<u64>().unwrap() > 1_600_000_000, "{by_clock}");
        assert_eq!(rest, "test-id");
    }
}

#[test]
fn user_case_22_an_id_that_nobody_sets_is_made() {
    let packaged = Packaged::of("13-cdk-example");
    packaged.run.line("No distributionId is set");
    assert_eq!(packaged.inspect()["distributionId"].as_str().unwrap().len(), 36);
}
