use serde_json::json;

use super::*;
use crate::engine::{Definition, EffectId, Event, ExecutionContext, Seed};

/// An execution whose tasks the test answers.
struct Bench {
    execution: Execution,
    started: Vec<String>,
    kinds: Vec<String>,
}

impl Bench {
    fn new(definition: &Value) -> Self {
        let context = ExecutionContext {
            execution_arn: "arn:e".to_owned(),
            execution_name: "e".to_owned(),
            role_arn: String::new(),
            machine_arn: "arn:m".to_owned(),
            machine_name: "m".to_owned(),
            region: "eu-west-1".to_owned(),
            input: json!({"items": [1, 2, 3]}),
            seed: Seed::new("s"),
            object: None,
        };
        let definition = Arc::new(Definition::parse(definition).expect("is a definition"));
        let (execution, actions) = Execution::start(definition, context, Timestamp::from_ms(0));
        let mut bench = Self { execution, started: Vec::new(), kinds: Vec::new() };
        bench.note(actions);
        bench
    }

    fn note(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::StartTask { effect, .. } => self.started.push(effect.as_str().to_owned()),
                Action::Record(event) => self.kinds.push(event.kind),
                _ => {}
            }
        }
    }

    fn succeed(&mut self, effect: &str, output: Value) {
        let effect = EffectId::new(effect);
        let actions = self.execution.apply(Event::TaskSucceeded { effect, output }, Timestamp::from_ms(1));
        self.note(actions);
    }

    fn fail(&mut self, effect: &str) {
        let event = Event::TaskFailed {
            effect: EffectId::new(effect),
            error: Some("E".to_owned()),
            cause: Some("c".to_owned()),
        };
        let actions = self.execution.apply(event, Timestamp::from_ms(1));
        self.note(actions);
    }

    /// Redrives, and returns the tasks that start.
    fn redrive(&mut self, how: &Redrive) -> Vec<String> {
        // What is stored is what goes on.
        let definition = Arc::clone(&self.execution.definition);
        let stored = serde_json::to_value(&self.execution).expect("is JSON");
        self.execution = Execution::restore(stored, definition).expect("can be read");
        self.started.clear();
        let actions = self.execution.redrive(how, Timestamp::from_ms(2));
        self.note(actions);
        std::mem::take(&mut self.started)
    }

    fn output(&self) -> Option<&Value> {
        match self.execution.is_ended() {
            Some(Outcome::Succeeded { output }) => Some(output),
            _ => None,
        }
    }
}

fn task() -> Value {
    json!({"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {}})
}

fn with(mut state: Value, more: &Value) -> Value {
    let more = more.as_object().expect("is an object").clone();
    state.as_object_mut().expect("is an object").extend(more);
    state
}

fn both() -> Value {
    let branch = |first: &str, second: &str| {
        json!({"StartAt": first, "States": {
            first: with(task(), &json!({"Next": second})), second: with(task(), &json!({"End": true})),
        }})
    };
    json!({"StartAt": "First", "States": {
        "First": with(task(), &json!({"ResultPath": "$.first", "Next": "Both"})),
        "Both": {"Type": "Parallel", "Branches": [branch("A", "B"), branch("C", "D")], "End": true},
    }})
}

#[test]
fn only_unsuccessful_states_of_branches_run_again() {
    let mut bench = Bench::new(&both());
    bench.succeed("First.1#0", json!(1));
    bench.succeed("Both.2#0[0]/A.1#0", json!("a"));
    bench.fail("Both.2#0[1]/C.1#0");
    assert!(bench.execution.can_be_redriven());
    assert_eq!(bench.execution.unsuccessful(), ["B", "C"]);
    // B was aborted, C failed; First and A have succeeded.
    assert_eq!(bench.redrive(&Redrive::default()), ["Both.2#0[0]/B.3#0", "Both.2#0[1]/C.2#0"]);
    assert!(bench.kinds.contains(&"ExecutionRedriven".to_owned()));
    bench.succeed("Both.2#0[0]/B.3#0", json!("b"));
    bench.succeed("Both.2#0[1]/C.2#0", json!("c"));
    bench.succeed("Both.2#0[1]/D.3#0", json!("d"));
    assert_eq!(bench.output(), Some(&json!(["b", "d"])));
    assert_eq!(bench.redrive(&Redrive::default()), Vec::<String>::new());
}

#[test]
fn only_unsuccessful_iterations_run_again() {
    let mut bench = Bench::new(&json!({"StartAt": "Each", "States": {"Each": {
        "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "End": true,
        "Iterator": {"StartAt": "One", "States": {"One": with(task(), &json!({"End": true}))}},
    }}}));
    bench.succeed("Each.1#0[0]/One.1#0", json!("x"));
    bench.fail("Each.1#0[1]/One.1#0");
    assert_eq!(bench.redrive(&Redrive::default()), ["Each.1#0[1]/One.2#0", "Each.1#0[2]/One.2#0"]);
    bench.succeed("Each.1#0[1]/One.2#0", json!("y"));
    bench.succeed("Each.1#0[2]/One.2#0", json!("z"));
    assert_eq!(bench.output(), Some(&json!(["x", "y", "z"])));
}

#[test]
fn the_context_object_counts_redrives_and_retries_begin_anew() {
    let count = json!({"Parameters": {"n.$": "$$.Execution.RedriveCount"}, "End": true,
        "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 0}]});
    let mut bench = Bench::new(&json!({"StartAt": "A", "States": {"A": with(task(), &count)}}));
    for round in 1..=2 {
        bench.fail(&format!("A.{round}#0"));
        assert_eq!(bench.redrive(&Redrive::default()), [format!("A.{}#0", round + 1)]);
    }
    let scheduled = bench.execution.redrives;
    assert_eq!(scheduled, 2);
    bench.succeed("A.3#0", json!(1));
    assert_eq!(bench.output(), Some(&json!(1)));
}

#[test]
fn a_stopped_and_a_late_execution_go_on() {
    let late = json!({"StartAt": "A", "TimeoutSeconds": 10, "States": {"A": with(task(), &json!({"End": true}))}});
    for stopped in [true, false] {
        let mut bench = Bench::new(&late);
        let timer = bench.execution.open_timers().next().expect("there is one").0;
        let event = match stopped {
            true => Event::Stop { error: None, cause: None },
            false => Event::TimerFired { timer },
        };
        let actions = bench.execution.apply(event, Timestamp::from_ms(10_000));
        bench.note(actions);
        assert_eq!(bench.redrive(&Redrive::default()), ["A.2#0"]);
        assert_eq!(bench.execution.open_timers().count(), 1);
        bench.succeed("A.2#0", json!(1));
        assert_eq!(bench.output(), Some(&json!(1)));
    }
}

#[test]
fn a_skipped_state_hands_on_its_input() {
    let mut bench = Bench::new(&both());
    bench.succeed("First.1#0", json!(1));
    bench.fail("Both.2#0[0]/A.1#0");
    let how = Redrive { skip: vec!["A".to_owned()], from: None };
    assert_eq!(bench.redrive(&how), ["Both.2#0[0]/B.2#0", "Both.2#0[1]/C.2#0"]);
}

#[test]
fn an_execution_begins_again_at_a_state_of_the_top_level() {
    let mut bench = Bench::new(&both());
    bench.succeed("First.1#0", json!(1));
    bench.fail("Both.2#0[0]/A.1#0");
    let how = Redrive { skip: Vec::new(), from: Some(("First".to_owned(), json!({"again": true}))) };
    assert_eq!(bench.redrive(&how), ["First.3#0"]);
    bench.succeed("First.3#0", json!(2));
    assert_eq!(bench.started, ["Both.4#0[0]/A.1#0", "Both.4#0[1]/C.1#0"]);
}

#[test]
fn a_runtime_fault_runs_its_own_state_again_and_not_the_one_before() {
    let mut bench = Bench::new(&json!({"StartAt": "A", "States": {
        "A": with(task(), &json!({"ResultPath": "$.a", "Next": "B"})),
        "B": {"Type": "Pass", "InputPath": "$.none", "End": true},
    }}));
    bench.succeed("A.1#0", json!(1));
    assert_eq!(bench.execution.unsuccessful(), ["B"]);
    assert_eq!(bench.redrive(&Redrive::default()), Vec::<String>::new());
    assert!(matches!(bench.execution.is_ended(), Some(Outcome::Failed { .. })));
    assert!(bench.execution.can_be_redriven());
}
