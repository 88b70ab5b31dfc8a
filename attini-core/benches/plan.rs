//! How long a plan takes from the author's text to the template that is deployed.
//!
//! `cargo bench -p attini-core --bench plan`. `expand` is the macro's own work on a template in memory, `document` the reading
//! of the text before it. Times are those of the processor, so that other work on the machine counts little.

#![allow(missing_docs, reason = "made by the macros of criterion")]

use std::hint::black_box;
use std::time::Duration;

use attini_core::document::Document;
use attini_core::plan::{MacroRequest, MacroSettings, expand};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Map, Value, json};

/// What this thread has cost the processor.
struct ProcessorTime;

impl Measurement for ProcessorTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(spent).expect("time spent is never negative")
    }

    fn end(&self, start: Duration) -> Duration {
        self.start().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// A plan with so many steps, in one of several shapes.
type Shape = (&'static str, fn(usize) -> Value);

const SHAPES: [Shape; 5] =
    [("states", states), ("list", list), ("nested", nested), ("wide", wide), ("choices", choices)];

fn step(number: usize) -> Value {
    let name = format!("Step{number}");
    let stack = json!({"Fn::Sub": format!("${{AttiniEnvironmentName}}-{number}")});
    let parameters = json!({"Size": "small", "Arn.$": format!("$.output.Step{}.Arn", number.saturating_sub(1))});
    json!({
        "Name": name, "Type": "AttiniCfn",
        "Properties": {"StackName": stack, "Template": "/stack.yaml", "Parameters": parameters},
    })
}

fn list(steps: usize) -> Value {
    (0..steps).map(step).collect()
}

/// The same in the States Language, every tenth step a SAM project, whose links have to be redirected.
fn states(steps: usize) -> Value {
    let mut states = Map::new();
    for number in 0..steps {
        let mut step = step(number);
        if number % 10 == 0 {
            step["Type"] = json!("AttiniSam");
            step["Properties"] = json!({"StackName": "s", "Project": {"Path": "/s"}});
        }
        let fields = step.as_object_mut().expect("an object");
        fields.shift_remove("Name");
        match number + 1 == steps {
            true => fields.insert("End".to_owned(), json!(true)),
            false => fields.insert("Next".to_owned(), json!(format!("Step{}", number + 1))),
        };
        states.insert(format!("Step{number}"), step);
    }
    json!({"StartAt": "Step0", "States": states})
}

/// `Parallel`s 50 levels deep in each other, the steps spread over the levels.
fn nested(steps: usize) -> Value {
    let per_level = steps / 50;
    let mut inner: Vec<Value> = Vec::new();
    for level in 0..50 {
        let mut steps: Vec<Value> = (0..per_level).map(|number| step(level * per_level + number)).collect();
        if !inner.is_empty() {
            steps.push(json!({"Name": format!("P{level}"), "Type": "Parallel", "Branches": [inner]}));
        }
        inner = steps;
    }
    Value::Array(inner)
}

/// One `Parallel` with a branch for every step.
fn wide(steps: usize) -> Value {
    let branches: Vec<Value> = (0..steps).map(|number| json!([step(number)])).collect();
    json!([{"Name": "P", "Type": "Parallel", "Branches": branches}])
}

/// Every second step on one side of a `Choice`; the names need brackets in paths.
fn choices(steps: usize) -> Value {
    let choice = |number: usize| {
        let mut inner = step(2 * number);
        inner["Name"] = json!(format!("Step {}", 2 * number));
        json!([
            {
                "Name": format!("Is it {number}?"), "Type": "Choice",
                "Condition": {"Variable": format!("$.output.Step {}.x", 2 * number), "IsPresent": true}, "IsTrue": [inner],
            },
            step(2 * number + 1),
        ])
    };
    (0..steps / 2).flat_map(|number| choice(number).as_array().cloned().unwrap_or_default()).collect()
}

fn template(plan: &Value) -> Value {
    json!({
        "Parameters": {"AttiniEnvironmentName": {"Type": "String"}},
        "Resources": {"Plan": {"Type": "Attini::Deploy::DeploymentPlan", "Properties": {"DeploymentPlan": plan}}},
    })
}

fn expanding(criterion: &mut Criterion<ProcessorTime>) {
    let settings = MacroSettings::of_place("eu-west-1", "000000000000");
    let mut group = criterion.benchmark_group("expand");
    group.sample_size(10);
    for (shape, plan) in SHAPES {
        for steps in [1_000, 10_000] {
            let request = MacroRequest {
                region: "eu-west-1".to_owned(),
                account_id: "000000000000".to_owned(),
                request_id: Value::Null,
                parameter_values: Map::new(),
                fragment: template(&plan(steps)),
            };
            group.throughput(Throughput::Elements(steps as u64));
            group.bench_function(BenchmarkId::new(shape, steps), |bencher| {
                bencher.iter(|| expand(black_box(&request), &settings, "uuid").expect("a plan without mistakes"));
            });
        }
    }
    group.finish();
}

fn reading(criterion: &mut Criterion<ProcessorTime>) {
    let mut group = criterion.benchmark_group("document");
    group.sample_size(10);
    for (shape, plan) in SHAPES {
        for steps in [1_000, 10_000] {
            let json = template(&plan(steps)).to_string();
            // JSON without line breaks is YAML in brackets; what people write is indented.
            let yaml = block_yaml(&template(&plan(steps)));
            group.throughput(Throughput::Elements(steps as u64));
            for (file, text) in [("t.json", &json), ("t.yaml", &yaml)] {
                let id = format!("{shape}/{}", &file[2..]);
                group.bench_function(BenchmarkId::new(id, steps), |bencher| {
                    bencher.iter(|| Document::parse(file, black_box(text)).expect("valid").to_json());
                });
            }
        }
    }
    group.finish();
}

fn block_yaml(value: &Value) -> String {
    fn write(text: &mut String, value: &Value, indent: usize) {
        let pad = " ".repeat(indent);
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    text.push_str(&format!("\n{pad}{}:", json!(key)));
                    write(text, value, indent + 1);
                }
            }
            Value::Array(items) => {
                for item in items {
                    text.push_str(&format!("\n{pad}-"));
                    write(text, item, indent + 1);
                }
            }
            scalar => text.push_str(&format!(" {scalar}")),
        }
    }
    let mut text = String::new();
    write(&mut text, value, 0);
    text
}

criterion_group!(name = benches; config = Criterion::default().with_measurement(ProcessorTime); targets = expanding, reading);
criterion_main!(benches);
