//! Events come twice, late and in any order: whatever happens, the end is the same.

use super::init_stacks::{being_made, init_event};
use super::*;
use crate::contract::Answer;
use crate::guard::{init_stack_event, stack_event};

/// Every order of the events, each with every single event doubled at every later place.
fn orders(events: &[StackEvent]) -> Vec<Vec<StackEvent>> {
    let mut all = Vec::new();
    for order in permutations(events) {
        for doubled in 0..order.len() {
            for at in doubled + 1..=order.len() {
                let mut order = order.clone();
                order.insert(at, order[doubled].clone());
                all.push(order);
            }
        }
        all.push(order);
    }
    all
}

fn permutations(events: &[StackEvent]) -> Vec<Vec<StackEvent>> {
    if events.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in 0..events.len() {
        let mut rest = events.to_vec();
        let chosen = rest.remove(first);
        for mut order in permutations(&rest) {
            order.insert(0, chosen.clone());
            all.push(order);
        }
    }
    all
}

/// All records, lists of failures sorted.
fn records(world: &TestFramework) -> Vec<(RecordKey, Value)> {
    fn sort(value: &mut Value) {
        match value {
            Value::Array(items) => {
                items.iter_mut().for_each(sort);
                items.sort_by_key(ToString::to_string);
            }
            Value::Object(fields) => fields.values_mut().for_each(sort),
            _ => {}
        }
    }
    let records = world.inventory.records().into_iter();
    let sorted = |body| {
        let mut body = Value::Object(body);
        sort(&mut body);
        body
    };
    records.map(|record| (record.key, sorted(record.body))).collect()
}

/// Hands the events of a step's stack to the guard in every order, and returns the one answer that the step gets in all.
#[track_caller]
fn same_answer(events: &[StackEvent], desired: &str) -> (Answer, Vec<(RecordKey, Value)>) {
    let mut ends = Vec::new();
    for order in orders(events) {
        let world = world();
        let token = world.tokens.open();
        block_on(world.put(&step_stack_key(&world), waiting_record(Some(&token), json!({"desiredState": desired}))));
        for event in &order {
            block_on(stack_event(&world.framework, &world.framework.place, event)).unwrap();
        }
        assert_eq!(world.tokens.answers().len(), 1, "one answer");
        let end = (world.tokens.answer_to(&token).unwrap(), records(&world));
        if let Some(first) = ends.first() {
            assert_eq!(*first, end, "{:?}", order.iter().map(|event| &event.id).collect::<Vec<_>>());
        }
        ends.push(end);
    }
    ends.remove(0)
}

#[test]
fn a_failed_stack_of_a_step_in_every_order() {
    let events = [
        event(1, "dev-db", "UPDATE_IN_PROGRESS", Some("User Initiated"), "t1"),
        event(2, "Fn", "UPDATE_FAILED", Some("boom"), "t1"),
        event(3, "Q", "UPDATE_FAILED", Some("Resource update cancelled"), "t1"),
        event(4, "dev-db", "UPDATE_ROLLBACK_COMPLETE", None, "t1"),
    ];
    let (answer, records) = same_answer(&events, "DEPLOYED");
    assert!(matches!(answer, Answer::Failed { .. }));
    let all = format!("{records:?}");
    assert!(all.contains("boom") && !all.contains("cancelled") && !all.contains("sfnToken"), "{all}");
}

#[test]
fn the_end_of_an_earlier_operation_may_come_at_any_time() {
    let events = [
        event(1, "dev-db", "CREATE_COMPLETE", None, "t0"),
        event(2, "Fn", "DELETE_FAILED", Some("older"), "t0"),
        event(3, "dev-db", "DELETE_IN_PROGRESS", None, "t1"),
        event(4, "dev-db", "UPDATE_ROLLBACK_FAILED", None, "t1"),
    ];
    let (_, records) = same_answer(&events, "DEPLOYED");
    assert!(!format!("{records:?}").contains("older"));
}

#[test]
fn a_deleted_stack_in_every_order() {
    let events = [
        event(1, "dev-db", "DELETE_IN_PROGRESS", None, "t1"),
        event(2, "Fn", "DELETE_COMPLETE", None, "t1"),
        event(3, "dev-db", "DELETE_COMPLETE", None, "t1"),
    ];
    let (answer, records) = same_answer(&events, "DELETED");
    assert_eq!(answer, Answer::Succeeded(json!({})));
    assert_eq!(records.len(), 2, "the two of the deployment");
}

#[test]
fn init_stacks_in_every_order() {
    let success = [
        init_event(1, "dev-plan", "UPDATE_IN_PROGRESS", None),
        init_event(2, "Fn", "UPDATE_COMPLETE", None),
        init_event(3, "dev-plan", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None),
        init_event(4, "dev-plan", "UPDATE_COMPLETE", None),
    ];
    let failure = [
        init_event(1, "dev-plan", "UPDATE_IN_PROGRESS", None),
        init_event(2, "Fn", "UPDATE_FAILED", Some("boom")),
        init_event(3, "Other", "UPDATE_FAILED", Some("bang")),
        init_event(4, "dev-plan", "UPDATE_ROLLBACK_COMPLETE", None),
    ];
    for (events, executions) in [(success, 1), (failure, 0)] {
        let mut ends = Vec::new();
        for order in orders(&events) {
            let (world, _) = being_made(1);
            for event in &order {
                block_on(init_stack_event(&world.framework, event)).unwrap();
            }
            assert_eq!(world.workflows.executions().len(), executions);
            assert_eq!(world.notified().len(), 1 - executions);
            ends.push(records(&world));
        }
        assert!(ends.iter().all(|end| *end == ends[0]));
    }
}
