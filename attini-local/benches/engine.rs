//! The workflow engine in memory: what a transition costs, a large Map, and executions that wait.
//!
//! `cargo bench -p attini-local --bench engine` prints one JSON document. Each part runs in a process of its own, so that
//! its memory is its own; `tests/benches/engine.py` shows the figures beside those of another interpreter.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a program that prints figures")]

use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use attini_core::value::Timestamp;
use attini_local::engine::{Action, Definition, Event, Execution, ExecutionContext, Outcome, Seed};
use serde_json::{Value, json};

const LOOP: &str = include_str!("../../tests/benches/engine/loop.json");
const MAP: &str = include_str!("../../tests/benches/engine/map.json");
/// Rounds of each measurement; the best counts.
const ROUNDS: usize = 7;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // Cargo adds `--bench`.
    if let Some(part) = arguments.iter().position(|word| word == "--part").map(|at| arguments[at + 1].as_str()) {
        let figures = match part {
            "map" => map(),
            "waiting" => waiting(),
            other => match other.split_once('-').unwrap() {
                ("kept", length) => kept(length.parse().unwrap()),
                (_, length) => handed_on(length.parse().unwrap()),
            },
        };
        println!("{figures}");
        return;
    }
    let part = |name: &str| -> Value {
        let output = Command::new(&arguments[0]).args(["--part", name]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let lengths = |kind: &str| -> Vec<Value> {
        [1000, 5000, 20_000, 100_000].into_iter().map(|length| part(&format!("{kind}-{length}"))).collect()
    };
    let (handed_on, kept) = (lengths("handed"), lengths("kept"));
    println!("{:#}", json!({"handed_on": handed_on, "kept": kept, "map": part("map"), "waiting": part("waiting")}));
}

fn context(input: Value, number: usize) -> ExecutionContext {
    ExecutionContext {
        execution_arn: format!("arn:aws:states:eu-west-1:000000000000:execution:bench:{number}"),
        execution_name: number.to_string(),
        role_arn: "arn:aws:iam::000000000000:role/bench".to_owned(),
        machine_arn: "arn:aws:states:eu-west-1:000000000000:stateMachine:bench".to_owned(),
        machine_name: "bench".to_owned(),
        region: "eu-west-1".to_owned(),
        input,
        seed: Seed::new(number.to_string()),
        object: None,
    }
}

fn definition(text: &str) -> Arc<Definition> {
    let value: Value = serde_json::from_str(text).unwrap();
    Arc::new(Definition::parse(&value).unwrap().without_event_limit())
}

/// Runs a machine without tasks to its end, and returns how long that took with the number of its events.
fn run(definition: &Arc<Definition>, input: &Value) -> (f64, usize) {
    let context = context(input.clone(), 0);
    let begun = Instant::now();
    let (execution, actions) = Execution::start(Arc::clone(definition), context, Timestamp::from_ms(0));
    let seconds = begun.elapsed().as_secs_f64();
    assert!(matches!(execution.is_ended(), Some(Outcome::Succeeded { .. })));
    (seconds, actions.iter().filter(|action| matches!(action, Action::Record(_))).count())
}

/// A loop whose history has so many events: a transition is a state that is entered and left. The history is kept.
fn kept(events: usize) -> Value {
    let definition = definition(LOOP);
    // Each turn is two states of two events each.
    let limit = events / 4;
    let input = json!({"count": 0, "limit": limit, "text": "x".repeat(980)});
    let mut best = f64::MAX;
    let mut found = 0;
    for _ in 0..ROUNDS {
        let (seconds, events) = run(&definition, &input);
        best = best.min(seconds);
        found = events;
    }
    figures(found, best, input.to_string().len())
}

/// The same with a pause every 50 turns, in which the events are handed on, as a driver does: what is left is the engine.
fn handed_on(events: usize) -> Value {
    let step = |inner: &str| json!({"count.$": "States.MathAdd($.count, 1)", "inner.$": inner, "limit.$": "$.limit", "text.$": "$.text"});
    let machine = json!({"StartAt": "Add", "States": {
        "Add": {"Type": "Pass", "Parameters": step("States.MathAdd($.inner, 1)"), "Next": "More"},
        "More": {"Type": "Choice", "Default": "Pause",
            "Choices": [{"Variable": "$.inner", "NumericLessThan": 50, "Next": "Add"}]},
        "Pause": {"Type": "Wait", "Seconds": 1, "Next": "Again"},
        "Again": {"Type": "Choice", "Default": "Done",
            "Choices": [{"Variable": "$.count", "NumericLessThanPath": "$.limit", "Next": "Reset"}]},
        "Reset": {"Type": "Pass", "Parameters": step("States.MathAdd(0, 0)"), "Next": "Add"},
        "Done": {"Type": "Succeed"}}});
    let definition = definition(&machine.to_string());
    let input = json!({"count": 0, "inner": 0, "limit": events / 4, "text": "x".repeat(970)});
    let mut best = f64::MAX;
    let mut found = 0;
    for _ in 0..ROUNDS {
        found = 0;
        let context = context(input.clone(), 0);
        let begun = Instant::now();
        let (mut execution, mut actions) = Execution::start(Arc::clone(&definition), context, Timestamp::from_ms(0));
        loop {
            found += actions.iter().filter(|action| matches!(action, Action::Record(_))).count();
            let timer = actions.iter().find_map(|action| match action {
                Action::SetTimer { timer, at } => Some((*timer, *at)),
                _ => None,
            });
            let Some((timer, at)) = timer else { break };
            actions = execution.apply(Event::TimerFired { timer }, at);
        }
        best = best.min(begun.elapsed().as_secs_f64());
        assert!(matches!(execution.is_ended(), Some(Outcome::Succeeded { .. })));
    }
    figures(found, best, input.to_string().len())
}

fn figures(events: usize, seconds: f64, payload_bytes: usize) -> Value {
    // All but the two events of the execution itself come in pairs.
    let transitions = f64::from(u32::try_from((events - 2) / 2).unwrap());
    json!({
        "events": events, "transitions": transitions, "seconds": seconds, "per_second": transitions / seconds,
        "microseconds_each": seconds / transitions * 1e6, "payload_bytes": payload_bytes,
    })
}

fn map() -> Value {
    let definition = definition(MAP);
    let items: Vec<usize> = (0..10_000).collect();
    let input = json!({"items": items});
    let before = memory("VmHWM:");
    let (mut best, events) = run(&definition, &input);
    let peak = memory("VmHWM:");
    for _ in 1..ROUNDS {
        best = best.min(run(&definition, &input).0);
    }
    json!({"items": items.len(), "at_a_time": 40, "events": events, "seconds": best,
        "peak_kib": peak, "before_kib": before})
}

fn waiting() -> Value {
    const COUNT: usize = 1000;
    let machine = json!({"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "TimeoutSeconds": 86_400,
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": true,
        "Parameters": {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}}}}});
    let definition = definition(&machine.to_string());
    let input = json!({"text": "x".repeat(1010)});
    let before = memory("VmRSS:");
    let begun = Instant::now();
    let executions: Vec<Execution> = (0..COUNT)
        .map(|number| {
            Execution::start(Arc::clone(&definition), context(input.clone(), number), Timestamp::from_ms(0)).0
        })
        .collect();
    let seconds = begun.elapsed().as_secs_f64();
    let after = memory("VmRSS:");
    assert!(executions.iter().all(|execution| execution.is_ended().is_none()));
    let stored: usize = executions.iter().map(|execution| serde_json::to_string(execution).unwrap().len()).sum();
    json!({"executions": COUNT, "seconds": seconds, "kib": after - before, "kib_before": before,
        "stored_bytes_each": stored / COUNT})
}

/// Returns a line of this process's status in KiB; 0 where there is none.
fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
