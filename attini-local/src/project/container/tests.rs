#![allow(clippy::unwrap_used, reason = "tests may panic")]

use super::*;

struct Project(TempDir);

impl Project {
    fn of(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("my project")).unwrap();
        fs::write(folder.path().join("my project/attini-config.yaml"), config).unwrap();
        Self(folder)
    }

    fn package(&self, engine: &str, log_in: bool) -> PackageError {
        let options = ContainerOptions {
            directory: &self.0.path().join("my project"),
            engine: Some(engine),
            log_in,
            file_name: None,
            arguments: &[],
            capture_output: true,
        };
        package_in_container(&options, &mut |_| {}).unwrap_err()
    }
}

#[test]
fn everything_that_the_configuration_lacks_is_named() {
    for (config, log_in, wanted) in [
        ("distributionName: shop\n", false, "`package.container.image` is missing"),
        ("distributionName: shop\npackage: {container: {image: ' '}}\n", false, "image` is missing"),
        ("distributionName: shop\npackage: {container: {image: [a]}}\n", false, "image"),
        ("distributionName: shop\npackage: {container: {image: a, options: x}}\n", false, "options` must be a list"),
        (
            "distributionName: shop\npackage: {container: {image: a, loginCommands: x}}\n",
            false,
            "loginCommands` must be",
        ),
        ("distributionName: shop\npackage: {container: {image: a}}\n", true, "loginCommands` is missing"),
    ] {
        let project = Project::of(config);
        let PackageError::Config(problems) = project.package("true", log_in) else { panic!("{config}") };
        assert!(problems.to_string().contains(wanted), "{config}: {problems}");
    }
    let project = Project::of("distributionName: shop\n");
    let PackageError::Config(problems) = project.package("true", true) else { panic!() };
    assert_eq!(problems.0.len(), 2, "{problems}");
}

#[test]
fn an_engine_that_is_not_there_is_named() {
    let project = Project::of("distributionName: shop\npackage: {container: {image: builder}}\n");
    for engine in ["no-such-engine", "/nowhere/docker"] {
        let error = project.package(engine, false);
        let PackageError::Container(ContainerError::EngineMissing { engine: named }) = error else { panic!("{error}") };
        assert_eq!(named, engine);
    }
}

#[test]
fn an_engine_that_does_nothing_is_not_believed() {
    let project = Project::of("distributionName: shop\npackage: {container: {image: builder}}\n");
    let error = project.package("true", false);
    assert!(matches!(error, PackageError::Container(ContainerError::NoZip { .. })), "{error}");
    let error = project.package("false", false);
    assert!(matches!(error, PackageError::Container(ContainerError::EngineDown { .. })), "{error}");
}
