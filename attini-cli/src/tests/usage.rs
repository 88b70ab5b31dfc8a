use super::memory::{Memory, attini};
use crate::world::ContainerRequest;

fn usage(line: &str) -> (u8, String, String) {
    let ran = attini(&Memory::with_environments(&[]), line);
    (ran.code, ran.out, ran.err)
}

#[test]
fn cli_case_1_the_version_alone() {
    let version = format!("{}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(usage("--version"), (0, version, String::new()));
}

#[test]
fn cli_case_2_a_group_needs_a_command() {
    let (code, out, err) = usage("deploy");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("Error: Missing required subcommand\n"), "{err}");
    assert!(err.contains("Usage: attini deploy "), "{err}");
    assert_eq!(usage("").0, 2);
}

#[test]
fn cli_case_3_the_missing_path_is_named() {
    let (code, out, err) = usage("deploy run");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("<PATH>") && err.contains("Usage: "), "{err}");
}

#[test]
fn cli_case_4_words_behind_one_dash() {
    let world = Memory::with_environments(&[]);
    attini(&world, "deploy run . -ec=env.sh -cb -crl -e dev --local");
    attini(&world, "package . -ec=env.sh -v1.2.0 -i=-x");
    let requests = world.packaged.lock().expect("free");
    assert_eq!(requests[0].environment_config_script.as_deref(), Some("env.sh".as_ref()));
    assert_eq!(requests[0].container, Some(ContainerRequest { log_in: true, debug: false }));
    assert_eq!(requests[1].environment_config_script.as_deref(), Some("env.sh".as_ref()));
    assert_eq!(requests[1].container, None);
    assert_eq!(requests[1].distribution_version.as_deref(), Some("1.2.0"));
    assert_eq!(requests[1].distribution_id.as_deref(), Some("-x"));
}

#[test]
fn cli_case_6_regions_are_checked() {
    let (code, _, err) = usage("deploy history -n x -r eu-west");
    assert_eq!(code, 2);
    assert!(err.contains("must look like `eu-west-1`") && err.contains("Usage: "), "{err}");
    let world = Memory::with_environments(&[("dev", "test")]);
    assert_eq!(attini(&world, "deploy history -n x -r us-gov-west-1 --local").code, 0);
    let options = world.options.lock().expect("free").clone().expect("opened");
    assert_eq!(options.region.expect("given").as_str(), "us-gov-west-1");
}

#[test]
fn mistakes_exit_with_2() {
    let lines = [
        "nonsense",
        "deploy run . --nonsense",
        "deploy run . extra",
        "deploy run . -e dev -e qa",
        "deploy run . --force false",
        "deploy run . --environ dev",
        "deploy history -n x -o ten",
        "deploy history -n x -o 0",
        "deploy continue --step-name",
        "configure set-dist-id",
        "configure set-dist-id --id x --random",
    ];
    for line in lines {
        let (code, out, err) = usage(line);
        assert_eq!((code, out.as_str()), (2, ""), "{line}");
        assert!(err.contains("Usage: "), "{line}: {err}");
    }
}

#[test]
fn global_options_stand_anywhere() {
    let world = Memory::with_environments(&[("dev", "test")]);
    for line in
        ["--local --json environment list", "environment --json list --local", "environment list --local --json=true"]
    {
        assert_eq!(
            attini(&world, line).out,
            "[\n  {\n    \"name\": \"dev\",\n    \"type\": \"test\"\n  }\n]\n",
            "{line}"
        );
    }
}

#[test]
fn without_local_the_same_line_is_offered_for_the_local_world() {
    let ran = attini(&Memory::with_environments(&[]), "deploy run -b -- my$dist");
    insta::assert_snapshot!(ran, @"
    ------- stderr -------
    Error: the AWS world is not in this version
    Hint: the local world needs no account: attini deploy run -b --local -- 'my$dist'
    [exit status: 1]
    ");
    assert_eq!(attini(&Memory::with_environments(&[]), "environment list").code, 1);
}

#[test]
fn options_without_a_meaning_are_named() {
    let world = Memory::with_environments(&[("dev", "test")]);
    let ran = attini(&world, "environment list -p p1 --local");
    insta::assert_snapshot!(ran.err, @"Warning: `--profile p1` has no meaning in the local world, which uses no credentials");
}
