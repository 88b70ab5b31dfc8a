use std::time::Duration;

use attini_core::value::TaskToken;
use serde_json::json;

use super::*;

/// Two callback tasks, one after the other.
fn two_tasks() -> Arc<Definition> {
    let parameters = json!({"token.$": "$$.Task.Token"});
    definition(&json!({"StartAt": "A", "States": {
        "A": {"Type": "Task", "Resource": CALLBACK, "Parameters": parameters, "HeartbeatSeconds": 10, "Next": "B"},
        "B": {"Type": "Task", "Resource": CALLBACK, "Parameters": parameters, "End": true}
    }}))
}

fn started(actions: &[Action]) -> Vec<(&EffectId, &TaskRequest)> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::StartTask { effect, task } => Some((effect, task)),
            _ => None,
        })
        .collect()
}

fn succeeded(effect: &str) -> Event {
    Event::TaskSucceeded { effect: EffectId::new(effect), output: json!({}) }
}

#[test]
fn a_token_stands_in_the_parameters_and_finds_its_task() {
    let (execution, actions) = Execution::start(two_tasks(), context(json!({})), NOW);
    let (effect, task) = started(&actions)[0];
    let token = task.token.clone().unwrap();
    assert_eq!(task.parameters, json!({"token": token.expose()}));
    assert_eq!(effect.as_str(), "A.1#0");
    assert_eq!(execution.task_of(&token), Some(effect));
    assert_eq!(execution.task_of(&TaskToken::new("guess")), None);
}

#[test]
fn secrets_are_not_shown() {
    let (execution, actions) = Execution::start(two_tasks(), context(json!({"secret": "s3cr3t"})), NOW);
    let token = started(&actions)[0].1.token.clone().unwrap();
    let shown = format!("{execution:?} {actions:?} {:?}", context(json!("s3cr3t")));
    assert!(!shown.contains("s3cr3t") && !shown.contains(token.expose()) && !shown.contains("\"seed\""), "{shown}");
}

#[test]
fn heartbeats_move_the_timer() {
    let (mut execution, actions) = Execution::start(two_tasks(), context(json!({})), NOW);
    let first = match actions.last() {
        Some(Action::SetTimer { timer, .. }) => *timer,
        other => panic!("{other:?}"),
    };
    let later = NOW.after(Duration::from_secs(8));
    let actions = execution.apply(Event::TaskHeartbeat { effect: EffectId::new("A.1#0") }, later);
    let second = TimerId(first.0 + 1);
    assert_eq!(
        actions,
        vec![
            Action::CancelTimer { timer: first },
            Action::SetTimer { timer: second, at: later.after(Duration::from_secs(10)) }
        ]
    );
    assert_eq!(execution.apply(Event::TimerFired { timer: first }, later), vec![]);
    assert!(matches!(execution.apply(Event::TimerFired { timer: second }, later).last(), Some(Action::End(_))));
}

#[test]
fn late_and_doubled_events_have_no_effect() {
    let (mut execution, _) = Execution::start(two_tasks(), context(json!({})), NOW);
    assert_eq!(started(&execution.apply(succeeded("A.1#0"), NOW)).len(), 1);
    assert_eq!(execution.apply(succeeded("A.1#0"), NOW), vec![]);
    assert_eq!(execution.apply(succeeded("no such task"), NOW), vec![]);
    assert!(execution.is_ended().is_none());
    execution.apply(succeeded("B.2#0"), NOW);
    assert_eq!(execution.is_ended(), Some(&Outcome::Succeeded { output: json!({}) }));
    assert_eq!(execution.apply(Event::Stop { error: None, cause: None }, NOW), vec![]);
}

#[test]
fn stop_cancels_what_is_open() {
    let (mut execution, _) = Execution::start(two_tasks(), context(json!({})), NOW);
    let stop = Event::Stop { error: Some("Replaced".to_owned()), cause: Some("by e2".to_owned()) };
    let actions = execution.apply(stop, NOW);
    assert!(actions.contains(&Action::CancelTask { effect: EffectId::new("A.1#0") }));
    assert!(matches!(actions.last(), Some(Action::End(Outcome::Aborted { .. }))));
    assert_eq!(execution.open_tasks().count() + execution.open_timers().count(), 0);
}

#[test]
fn hold_lets_the_running_step_end_and_starts_no_other() {
    let (mut execution, _) = Execution::start(two_tasks(), context(json!({})), NOW);
    execution.hold();
    assert!(!execution.at_step_boundary());
    let actions = execution.apply(succeeded("A.1#0"), NOW);
    assert_eq!(started(&actions), vec![]);
    assert!(execution.at_step_boundary() && execution.is_ended().is_none());
    assert_eq!(started(&execution.release(NOW)).len(), 1);
}

#[test]
fn a_stored_execution_goes_on_as_if_nothing_had_happened() {
    let machine = only(json!({"Type": "Map", "MaxConcurrency": 2, "ItemProcessor": {"StartAt": "T", "States": {
        "T": {"Type": "Task", "Resource": CALLBACK, "TimeoutSeconds": 60, "End": true,
            "Retry": [{"ErrorEquals": ["States.ALL"], "JitterStrategy": "FULL"}]}
    }}}));
    let machine = definition(&machine);
    let (mut kept, actions) = Execution::start(Arc::clone(&machine), context(json!([1, 2, 3])), NOW);
    let names: Vec<&str> = started(&actions).into_iter().map(|(effect, _)| effect.as_str()).collect();
    assert_eq!(names, ["S.1#0[0]/T.1#0", "S.1#0[1]/T.1#0"]);
    let events = [
        Event::TaskFailed { effect: EffectId::new("S.1#0[1]/T.1#0"), error: None, cause: None },
        succeeded("S.1#0[0]/T.1#0"),
        Event::TimerFired { timer: TimerId(2) },
        succeeded("S.1#0[2]/T.1#0"),
        succeeded("S.1#0[1]/T.1#1"),
    ];
    for event in events {
        let snapshot = serde_json::to_value(&kept).unwrap();
        let mut restored = Execution::restore(snapshot, Arc::clone(&machine)).unwrap();
        assert_eq!(restored.open_timers().collect::<Vec<_>>(), kept.open_timers().collect::<Vec<_>>());
        assert_eq!(restored.apply(event.clone(), NOW), kept.apply(event, NOW));
    }
    assert_eq!(kept.is_ended(), Some(&Outcome::Succeeded { output: json!([{}, {}, {}]) }));
}

#[test]
fn a_snapshot_is_not_continued_with_another_definition() {
    let (execution, _) = Execution::start(two_tasks(), context(json!({})), NOW);
    let snapshot = serde_json::to_value(&execution).unwrap();
    let other = definition(&only(json!({"Type": "Pass"})));
    assert!(matches!(Execution::restore(snapshot, other), Err(RestoreError::OtherDefinition)));
    assert!(matches!(Execution::restore(json!({}), two_tasks()), Err(RestoreError::Unreadable(_))));
}
