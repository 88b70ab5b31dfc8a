//! A disk that is full while a deployment runs.

use std::process::Command;

use crate::support::TestEnv;

/// Runs in a mount namespace of its own, where the home is a small file system that grows later.
const SCRIPT: &str = r#"
mount -t tmpfs -o size="$SIZE" tmpfs "$ATTINI_HOME" || exit 99
"$ATTINI" deploy run -b hello-world 2>&1
for _ in $(seq 200); do
  text=$("$ATTINI" deploy describe -n hello-world -e dev 2>&1 </dev/null) && { echo "$text"; exit 98; }
  case "$text" in *"disk is full"*) break ;; esac
  sleep 0.05
done
echo "full: $text"
mount -o remount,size=64m "$ATTINI_HOME" || exit 97
text=$("$ATTINI" deploy describe -n hello-world -e dev 2>&1); echo "freed: $? $text"
"$ATTINI" deploy run hello-world; echo "again: $?"
"#;

#[test]
fn a_full_disk_is_named_and_what_it_cut_off_is_told_when_there_is_space_again() {
    if !Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success()) {
        println!("not run: this system gives no mount namespaces");
        return;
    }
    let env = TestEnv::new();
    env.project("examples/hello-world");
    let own = env.command::<&str>([]);
    let mut command = Command::new("unshare");
    command.args(["-rm", "bash", "-c", SCRIPT]).env_clear().current_dir(env.work());
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.env("ATTINI", own.get_program()).env("SIZE", "500k").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("records.db: the disk is full; free some space and try again"), "{text}");
    let freed = text.lines().find(|line| line.starts_with("freed: 1")).unwrap_or_else(|| panic!("{text}"));
    assert!(!freed.is_empty() && text.contains("was interrupted"), "{text}");
    assert!(text.ends_with("again: 0\n"), "{text}");
}
