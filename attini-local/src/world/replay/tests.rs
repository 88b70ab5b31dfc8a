use attini_core::value::MachineArn;
use serde_json::json;

use super::*;
use crate::engine::Seed;
use crate::store::Home;
use crate::store::executions::Machine;

/// An execution that runs in memory and in a journal.
struct Bench {
    _dir: tempfile::TempDir,
    home: Home,
    arn: ExecutionArn,
    definition: Arc<Definition>,
    live: Replay,
    now: i64,
}

fn context(arn: &ExecutionArn) -> ExecutionContext {
    ExecutionContext {
        execution_arn: arn.as_str().to_owned(),
        execution_name: arn.id().to_owned(),
        role_arn: String::new(),
        machine_arn: arn.machine().as_str().to_owned(),
        machine_name: arn.machine().name().to_owned(),
        region: "eu-west-1".to_owned(),
        input: json!({"n": 0}),
        seed: Seed::new("a seed"),
        object: None,
    }
}

impl Bench {
    fn new(definition: &Value) -> Self {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(dir.path()).expect("opens");
        let machine = MachineArn::from_record("arn:aws:states:eu-west-1:000000000000:stateMachine:m");
        let arn = machine.execution("e");
        let parsed = Arc::new(Definition::parse(definition).expect("is a definition"));
        let machine = Machine { arn: machine, definition: definition.clone(), updated: Timestamp::from_ms(0) };
        let live = home.write(|tx| {
            executions::insert(tx, &arn, &machine, &json!({"n": 0}), "a seed", Timestamp::from_ms(0))?;
            let (live, actions) = Replay::of(tx, &arn, &parsed, context(&arn), Timestamp::from_ms(0)).expect("starts");
            append(tx, &arn, &actions.expect("it is new"))?;
            Ok(live)
        });
        Self { _dir: dir, home, arn, definition: parsed, live: live.expect("writes"), now: 0 }
    }

    fn advance(&mut self, input: Input) {
        self.now += 7;
        let (live, arn, now) = (&mut self.live, &self.arn, Timestamp::from_ms(self.now));
        self.home
            .write(|tx| {
                let actions = live.advance(tx, arn, vec![input], now)?;
                append(tx, arn, &actions)
            })
            .expect("writes");
    }

    fn again(&self) -> Result<Replay, ReplayError> {
        let read =
            |tx: &Tx<'_>| Ok(Replay::of(tx, &self.arn, &self.definition, context(&self.arn), Timestamp::from_ms(0)));
        self.home.read(read).expect("reads").map(|(replay, actions)| {
            assert_eq!(actions, None);
            replay
        })
    }

    /// Checks that whoever reads the journal has what is in memory.
    fn is_the_same(&self) {
        assert_eq!(view(&self.again().expect("can be continued")), view(&self.live), "after {} ms", self.now);
    }

    fn first(&self) -> EffectId {
        self.live.open.keys().next().expect("a task is open").clone()
    }
}

fn append(tx: &Tx<'_>, arn: &ExecutionArn, actions: &[Action]) -> Result<(), TxError> {
    let records = actions.iter().filter_map(|action| match action {
        Action::Record(event) => Some(event.clone()),
        _ => None,
    });
    executions::append_history(tx, arn, &records.collect::<Vec<_>>())
}

fn view(replay: &Replay) -> (Value, Value, Value, Option<String>, u64) {
    let json = |value: Result<Value, serde_json::Error>| value.expect("is JSON");
    (
        json(serde_json::to_value(&replay.execution)),
        json(serde_json::to_value(&replay.open)),
        json(serde_json::to_value(&replay.calls)),
        replay.stop.clone(),
        replay.number,
    )
}

fn task(next: &str) -> Value {
    json!({
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "HeartbeatSeconds": 60,
        "Parameters": {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token", "n.$": "$.n"}},
        "Retry": [{"ErrorEquals": ["Again"], "JitterStrategy": "FULL", "MaxAttempts": 3}],
        "ResultPath": "$.last", "Next": next,
    })
}

fn everything() -> Value {
    json!({
        "StartAt": "One", "TimeoutSeconds": 100_000,
        "States": {
            "One": task("Both"),
            "Both": {
                "Type": "Parallel", "ResultPath": "$.both", "Next": "Pause",
                "Branches": [
                    {"StartAt": "Two", "States": {"Two": task("Left"), "Left": {"Type": "Pass", "End": true}}},
                    {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 5, "End": true}}},
                ],
            },
            "Pause": {"Type": "Wait", "Seconds": 3, "Next": "Last"},
            "Last": task("Done"),
            "Done": {"Type": "Succeed"},
        },
    })
}

#[test]
fn after_every_event_the_journal_has_what_is_in_memory() {
    let mut bench = Bench::new(&everything());
    bench.is_the_same();
    let one = bench.first();
    let failed = |effect: &EffectId| {
        Input::Event(Event::TaskFailed { effect: effect.clone(), error: Some("Again".to_owned()), cause: None })
    };
    for input in [
        Input::Event(Event::TaskSubmitted { effect: one.clone(), output: json!({"a": 1}) }),
        Input::Event(Event::TaskHeartbeat { effect: one.clone() }),
        failed(&one),
    ] {
        bench.advance(input);
        bench.is_the_same();
    }
    // The jitter of the retry is the same again, too.
    let mut steps = 0;
    while bench.live.execution.is_ended().is_none() {
        let timer = bench.live.execution.open_timers().filter(|(_, at)| at.as_ms() < 60_000).min_by_key(|(_, at)| *at);
        let input = match (timer, bench.live.open.keys().next()) {
            (_, Some(effect)) => Event::TaskSucceeded { effect: effect.clone(), output: json!(steps) },
            (Some((timer, _)), None) => Event::TimerFired { timer },
            (None, None) => panic!("nothing happens any more"),
        };
        bench.advance(Input::Event(input));
        bench.is_the_same();
        steps += 1;
    }
    assert!(steps > 4, "{steps}");
}

#[test]
fn a_stop_that_waits_for_a_task_is_not_forgotten() {
    let mut bench = Bench::new(&everything());
    bench.advance(Input::Hold { cause: "replaced".to_owned() });
    bench.is_the_same();
    let again = bench.again().expect("can be continued");
    assert_eq!(again.stop.as_deref(), Some("replaced"));
    assert!(again.execution.is_held());
}

#[test]
fn a_long_execution_is_read_from_a_snapshot() {
    let looping = json!({"StartAt": "A", "States": {"A": task("B"), "B": task("A")}});
    let mut bench = Bench::new(&looping);
    for n in 0..ENTRIES + 5 {
        let effect = bench.first();
        bench.advance(Input::Event(Event::TaskSucceeded { effect, output: json!(n) }));
        if n + 2 >= ENTRIES {
            bench.is_the_same();
        }
    }
    let (snapshot, entries) = bench.home.read(|tx| journal::read(tx, &bench.arn)).expect("reads");
    assert_eq!(snapshot.map(|snapshot| snapshot.number), Some(ENTRIES));
    assert_eq!(entries.len(), 5);
}

#[test]
fn calls_that_were_answered_are_counted() {
    let service = |next: &str| json!({"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Next": next});
    let mut bench = Bench::new(&json!({"StartAt": "A", "States": {"A": service("B"), "B": service("A")}}));
    for _ in 0..3 {
        let effect = bench.first();
        bench.advance(Input::Event(Event::TaskSucceeded { effect, output: json!(null) }));
    }
    // The call of B is open, and will be made again.
    let counts: Vec<_> = bench.again().expect("can be continued").answered_calls();
    let counts: Vec<_> = counts.iter().map(|calls| (calls.state.as_str(), calls.count)).collect();
    assert_eq!(counts, [("A", 2), ("B", 1)]);
}

#[test]
fn a_history_that_this_version_would_not_have_written_is_not_continued() {
    let bench = Bench::new(&everything());
    let other = HistoryEvent {
        id: 100,
        previous_id: 0,
        time: Timestamp::from_ms(0),
        kind: "MapRunStarted".to_owned(),
        details: json!({}),
    };
    bench.home.write(|tx| executions::append_history(tx, &bench.arn, &[other])).expect("writes");
    let refused = bench.again().expect_err("is another one");
    assert!(refused.to_string().contains("another version"), "{refused}");
}
