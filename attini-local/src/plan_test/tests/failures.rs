//! What a case that fails says, word for word.

use super::*;

/// Returns why the only case fails, with `CASE` in front of lines of the case.
fn lines(case: &str) -> String {
    let result = run(&format!("cases:\n{case}"));
    assert_eq!(result.passed(), 0);
    result.cases[0].lines().join("\n")
}

fn expecting(expect: &str) -> String {
    lines(&format!("- name: c\n  expect:\n    {expect}\n"))
}

#[test]
fn each_expectation_tells_its_place_what_should_be_and_what_is() {
    let path = "Build → Both → Database → Notes → Joined → Regions → Copy → Copy → Copy → Is it big? → Tell";
    for (expect, wanted) in [
        ("status: FAILED", "11:13: expect.status\n  expected: FAILED\n  actual:   SUCCEEDED".to_owned()),
        ("error: E", "11:12: expect.error\n  expected: E\n  actual:   none, the plan ended as SUCCEEDED".to_owned()),
        (
            "cause: {contains: x}",
            "11:12: expect.cause\n  expected: a text with `x` in it\n  actual:   none, the plan ended as SUCCEEDED"
                .to_owned(),
        ),
        (
            "path: [Build, [Notes, Tell], ...]",
            format!("11:11: expect.path\n  expected: Build → [Notes, Tell] → ...\n  actual:   {path}"),
        ),
        (
            "visited: [Gate]",
            format!("11:15: expect.visited[0]\n  expected: step Gate runs\n  actual:   it does not: {path}"),
        ),
        (
            "notVisited: [Tell]",
            format!("11:18: expect.notVisited[0]\n  expected: step Tell does not run\n  actual:   it does: {path}"),
        ),
        ("approvals: [Gate]", "11:16: expect.approvals\n  expected: Gate\n  actual:   none".to_owned()),
        ("attempts: {Copy: 2}", "11:22: expect.attempts.Copy\n  expected: 2\n  actual:   3".to_owned()),
        (
            "outputs: {Build: {version: 1}}",
            "11:32: expect.outputs.Build.version\n  expected: 1\n  actual:   \"1\"".to_owned(),
        ),
        (
            "outputs: {Gate: {}}",
            "11:21: expect.outputs.Gate\n  expected: {}\n  actual:   the step left no output".to_owned(),
        ),
        (
            "outputs: {Regions: []}",
            "11:24: expect.outputs.Regions\n  expected: []\n  actual:   \
             [{\"MessageId\":\"m\"},{\"MessageId\":\"m\"},{\"MessageId\":\"m\"}]"
                .to_owned(),
        ),
        (
            "payload: {stackParameters: {Zone: '2'}}",
            "11:39: expect.payload.stackParameters.Zone\n  expected: \"2\"\n  actual:   nothing; there is \
             AttiniEnvironmentName, Zones"
                .to_owned(),
        ),
        (
            "stacks: {Database: {parameters: {Size: large}}}",
            "11:44: expect.stacks.Database.parameters.Size\n  expected: \"large\"\n  actual:   \"small\"".to_owned(),
        ),
        (
            "stacks: {Database: [{}, {}]}",
            "11:24: expect.stacks.Database\n  expected: 2 calls\n  actual:   1 calls".to_owned(),
        ),
        (
            "jobs: {Build: {commands: [make all]}}",
            "11:31: expect.jobs.Build.commands[0]\n  expected: \"make all\"\n  actual:   \"make\"".to_owned(),
        ),
        (
            "calls: {Gate: {}}",
            "11:19: expect.calls.Gate\n  expected: {}\n  actual:   the step asked for nothing: it was not called, or it \
             failed before"
                .to_owned(),
        ),
        ("seconds: 5", "11:14: expect.seconds\n  expected: 5\n  actual:   0".to_owned()),
    ] {
        assert_eq!(expecting(expect), format!("t.yaml:{wanted}"), "{expect}");
    }
}

#[test]
fn an_exact_payload_tells_what_is_too_much() {
    let said = expecting("exactPayload: {environment: dev}");
    assert!(said.contains("exactPayload.customData\n  expected: nothing\n  actual:   {}"), "{said}");
}

#[test]
fn a_failed_plan_is_told_with_its_error() {
    let said = lines("- name: c\n  environment: prod\n  mocks: {Gate: {reject: no}}\n");
    assert_eq!(said, "t.yaml:9:3: expect.status\n  expected: SUCCEEDED\n  actual:   FAILED (ManuallyAborted: no)");
}

#[test]
fn secrets_are_not_shown() {
    let said = expecting("stacks: {Database: {parameters: {Token: x}}}");
    assert!(said.contains("actual:   \"****\"") && !said.contains("very-secret"), "{said}");
}

#[test]
fn what_is_missing_is_told_with_the_lines_to_add() {
    let case = "- {name: c}\n";
    let file = CaseFile::parse("t.yaml", &format!("cases:\n{case}")).unwrap();
    let folder = project(&[]);
    let project = Project::open(folder.path()).unwrap();
    let result = Suite::new(&project, vec![file]).unwrap().run(None, 1);
    assert_eq!(
        result.cases[0].lines().join("\n"),
        "step `Build` (AttiniRunnerJob) was called, and no mock answers it; add to `mocks`:\n  Build:\n    output: \"\""
    );
    let mocks = "  mocks:\n    Build: {output: {version: '1'}}\n    Copy: {result: 1, iteration: 0}\n";
    let file = CaseFile::parse("t.yaml", &format!("cases:\n- name: c\n{mocks}    Notes: {{result: 1}}\n")).unwrap();
    let result = Suite::new(&project, vec![file]).unwrap().run(None, 1);
    assert_eq!(
        result.cases[0].lines().join("\n"),
        "step `Database` (AttiniCfn) was called, and no mock answers it; add to `mocks`:\n  Database:\n    outputs:\n      Url: \"\""
    );
    let file = format!("cases:\n- name: c\n{mocks}    Notes: {{result: 1}}\n    Database: {{outputs: {{}}}}\n");
    let result = Suite::new(&project, vec![CaseFile::parse("t.yaml", &file).unwrap()]).unwrap().run(None, 1);
    assert_eq!(
        result.cases[0].lines().join("\n"),
        "step `Copy` (Task arn:aws:states:::sqs:sendMessage) was called in iteration 1, and no mock answers it; add to `mocks`:\n  \
         Copy:\n    result: {}"
    );
}

#[test]
fn outputs_that_the_template_does_not_have_cannot_be() {
    let said = lines("- name: c\n  mocks:\n    Database: {outputs: {Uri: u}}\n");
    assert_eq!(
        said,
        "t.yaml:11:26: mocks.Database.outputs.Uri\n  expected: an answer that can be\n  actual:   the template /db.yaml of step \
         `Database` has no output `Uri`; it has Url"
    );
}

#[test]
fn answers_that_serve_no_call_are_warned_of_or_fail() {
    let mut result = passes(
        "cases:\n- name: c\n  mocks: {Gate: {approve: true}, Build: [{output: {version: '1'}}, {exitCode: 1}]}\n",
    );
    let unused: Vec<(&str, u32)> = result.cases[0]
        .unused
        .iter()
        .map(|unused| (unused.step.as_str(), unused.at.as_ref().unwrap().column))
        .collect();
    assert_eq!(unused, [("Build", 68), ("Gate", 11)]);
    result.deny_unused();
    assert_eq!(
        result.cases[0].lines()[3..].join("\n"),
        "t.yaml:10:11: mocks.Gate\n  expected: a call that this answer serves\n  actual:   no call"
    );
}

#[test]
fn a_plan_without_an_end_is_told() {
    let said = lines(
        "- name: c\n  environment: prod\n  mocks: {Tell: {result: {}, delay: 10}, Gate: {approve: true, delay: 1}}\n  expect: {seconds: 1}\n",
    );
    assert_eq!(said, "t.yaml:12:21: expect.seconds\n  expected: 1\n  actual:   11");
}

#[test]
fn a_plan_that_cannot_be_expanded_fails_its_cases() {
    let said = lines("- name: c\n  parameters: {Zone: 3}\n");
    assert_eq!(said, "`plan.yaml` declares no parameter `Zone`");
}

fn problems(file: &str) -> String {
    CaseFile::parse("t.yaml", file).unwrap_err().to_string()
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let said = problems(
        "default: {}\ncases:\n- nam: x\n- name: a\n  mocks:\n    A: {outputs: {}, error: E}\n    B: []\n    C: {approve: false}\n    \
         D: {result: 1, attempts: 0}\n    E: {result: 1, delay: soon}\n    F: {cause: c, result: 1}\n    G: {result: 1, iteration: x}\n\
         - name: a\n  environment: '?'\n  expect:\n    status: DONE\n    error: {matches: '('}\n    pth: []\n    path: [{}]\n    \
         stacks: {S: {parameter: {}}}\n    attempts: {S: x}\n",
    );
    for part in [
        "t.yaml:1:1: unknown key `default` (did you mean `defaults`?)",
        "t.yaml:3:3: unknown key `nam` (did you mean `name`?)",
        "t.yaml:3:3: the case has no `name`",
        "t.yaml:6:8: an answer has one of `outputs`",
        "t.yaml:7:8: write at least one answer",
        "t.yaml:8:8: write `approve: true`",
        "t.yaml:9:30: `attempts` must be at least 1",
        "t.yaml:10:27: `delay` must be a number of seconds",
        "t.yaml:11:16: `cause` belongs to `error`",
        "t.yaml:12:31: `iteration` must be a number or a list of numbers, counted from 0",
        "t.yaml:13:9: another case has the name `a` too",
        "t.yaml:14:16: ",
        "t.yaml:16:13: `status` is not usable: unknown variant `DONE`",
        "t.yaml:17:22: `matches` is no regular expression",
        "t.yaml:18:5: unknown key `pth` (did you mean `path`?)",
        "t.yaml:19:11: `path` must be the name of a step",
        "t.yaml:20:18: unknown key `parameter` (did you mean `parameters`?)",
        "t.yaml:21:15: `attempts` is not usable: invalid type",
    ] {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
    assert!(problems("cases: []\n").contains("there are no `cases`") && problems("").contains("there are no `cases`"));
    assert!(problems("cases: {}\n").contains("`cases` must be a list, not a map"));
}

#[test]
fn names_that_the_plan_does_not_have_are_told_with_their_place() {
    let file = "cases:\n- name: c\n  mocks:\n    Biuld: {output: ''}\n    Gate: {output: ''}\n    Regions: {result: 1}\n    \
                Both: {result: 1}\n    Joined: {result: 1}\n  expect:\n    path: [Build, ..., [Tel]]\n    stacks: {Datenbank: {}}\n";
    let folder = project(&[]);
    let project = Project::open(folder.path()).unwrap();
    let problems = Suite::new(&project, vec![CaseFile::parse("t.yaml", file).unwrap()]).unwrap_err().to_string();
    for part in [
        "t.yaml:4:5: the plan has no step `Biuld` (did you mean `Build`?)",
        "t.yaml:5:11: step `Gate` is an AttiniManualApproval: it is answered with `approve`, `reject` or `error`",
        "t.yaml:7:11: step `Both` is an Parallel: it calls nothing, so it takes no mock",
        "t.yaml:8:13: step `Joined` is an AttiniMergeOutput: it does its own work; the only mock for it is `error`",
        "t.yaml:10:25: the plan has no step `Tel` (did you mean `Tell`?)",
        "t.yaml:11:14: the plan has no step `Datenbank` (its steps are ",
    ] {
        assert!(problems.contains(part), "no {part:?} in\n{problems}");
    }
    assert!(!problems.contains("Regions: "), "{problems}");
}

/// Says whether a text is well-formed XML, as far as the report uses it.
fn is_well_formed(text: &str) -> bool {
    let mut open: Vec<&str> = Vec::new();
    let Some(mut rest) = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") else { return false };
    while let Some(start) = rest.find('<') {
        let between = &rest[..start];
        let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&#10;", "&#9;"];
        let without = entities.iter().fold(between.to_owned(), |text, entity| text.replace(entity, ""));
        let Some(end) = rest[start..].find('>') else { return false };
        let tag = &rest[start + 1..start + end];
        if without.contains(['&', '>']) || tag.matches('"').count() % 2 == 1 {
            return false;
        }
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) if open.pop() != Some(name) => return false,
            (false, false) => open.push(name),
            _ => {}
        }
        rest = &rest[start + end + 1..];
    }
    open.is_empty() && rest.trim().is_empty()
}

#[test]
fn junit_reports_are_well_formed_and_count() {
    let result =
        run("cases:\n- {name: 'a <b> & \"c\" '' ]]>', expect: {error: '<&\">'}}\n- {name: \"good \\u0001\"}\n\
         - {name: broken, parameters: {X: 1}}\n");
    let text = junit(&result);
    assert!(is_well_formed(&text), "{text}");
    assert!(text.contains("<testsuite name=\"t.yaml\" tests=\"3\" failures=\"1\" errors=\"1\""), "{text}");
    assert!(text.contains("name=\"a &lt;b&gt; &amp; &quot;c&quot; ' ]]&gt;\" classname=\"t.yaml\""), "{text}");
    assert!(text.contains("expected: &lt;&amp;&quot;&gt;&#10;") && text.contains("name=\"good \u{fffd}\""), "{text}");
    assert!(!is_well_formed("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a><b></a>"));
}
