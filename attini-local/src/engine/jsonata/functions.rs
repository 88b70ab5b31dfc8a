use std::cell::Cell;
use std::rc::Rc;

use attini_core::asl::intrinsic::Function;
use jsonata_core::evaluator::{Context, Evaluator, EvaluatorError, HostFnResult};
use jsonata_core::parser;
use jsonata_core::value::JValue;
use serde_json::Value;

use super::{Names, convert, value};

/// The longest text that `$pad` makes.
const MAX_PAD: f64 = 1_000_000.0;

/// Adds the functions of the service, and replaces those that would look at a clock, take chance from elsewhere or
/// exhaust the memory. Only what the expression names is added.
pub(super) fn register(evaluator: &mut Evaluator, used: &[String], names: &dyn Names) -> Result<(), EvaluatorError> {
    let now_ms = names.now_ms();
    let mut chance = None;
    // Asked for only by what needs it, so that other expressions do not use up the execution's numbers.
    let mut chance = || Rc::clone(chance.get_or_insert_with(|| Rc::new(Chance(Cell::new(names.random())))));
    for name in used {
        match name.as_str() {
            "partition" => {
                evaluator.register_fn("partition", |args: &[JValue]| call(Function::ArrayPartition, args))?;
            }
            "range" => evaluator.register_fn("range", |args: &[JValue]| call(Function::ArrayRange, args))?,
            "hash" => evaluator.register_fn("hash", |args: &[JValue]| call(Function::Hash, args))?,
            "parse" => evaluator.register_fn("parse", parse)?,
            "uuid" => {
                let chance = chance();
                evaluator.register_fn("uuid", move |_: &[JValue]| apply(Function::Uuid, &[], &mut || chance.next()))?;
            }
            "random" => {
                let chance = chance();
                evaluator.register_fn_override("random", move |args: &[JValue]| Ok(random(&chance, args)))?;
            }
            "shuffle" => {
                let chance = chance();
                evaluator.register_fn_override("shuffle", move |args: &[JValue]| Ok(shuffle(&chance, args)))?;
            }
            "now" => evaluator.register_fn_override("now", move |args: &[JValue]| now(now_ms, args))?,
            "millis" => {
                #[expect(clippy::cast_precision_loss, reason = "a JSONata number; exact for 285,000 years")]
                evaluator.register_fn_override("millis", move |_: &[JValue]| Ok(JValue::Number(now_ms as f64)))?;
            }
            "pad" => evaluator.register_fn_override("pad", pad)?,
            "eval" => evaluator.register_fn_override("eval", |_: &[JValue]| {
                Err(EvaluatorError::TypeError("T1006: Attempted to invoke a non-function".to_owned()))
            })?,
            _ => {}
        }
    }
    Ok(())
}

/// The random numbers of one evaluation: SplitMix64.
struct Chance(Cell<u64>);

impl Chance {
    fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(state);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 (included) to 1 (excluded).
    fn fraction(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let bits = (self.next() >> 11) as f64;
        bits / 9_007_199_254_740_992.0
    }
}

/// Calls the intrinsic function that does the same. As with JSONata's own functions, nothing in gives nothing out.
fn call(function: Function, args: &[JValue]) -> HostFnResult {
    if args.first().is_none_or(JValue::is_undefined) {
        return Ok(JValue::Undefined);
    }
    let mut values = Vec::with_capacity(args.len());
    for arg in args {
        values.push(value(arg, 0).map_err(|failure| evaluation(&format!("{failure:?}")))?.unwrap_or(Value::Null));
    }
    apply(function, &values, &mut || 0)
}

fn apply(function: Function, values: &[Value], random: &mut dyn FnMut() -> u64) -> HostFnResult {
    let result = function.apply(values, random).map_err(|reason| evaluation(&reason))?;
    convert(&result).map_err(|failure| evaluation(&format!("{failure:?}")))
}

fn parse(args: &[JValue]) -> HostFnResult {
    match args.first() {
        None | Some(JValue::Undefined) => Ok(JValue::Undefined),
        Some(JValue::String(text)) => {
            JValue::from_json_str(text).map_err(|error| evaluation(&format!("the text is not JSON ({error})")))
        }
        Some(_) => Err(evaluation("T0410: Argument 1 of function parse does not match function signature")),
    }
}

fn random(chance: &Chance, args: &[JValue]) -> JValue {
    match args.first().and_then(JValue::as_f64) {
        // The same seed gives the same number.
        Some(seed) => JValue::Number(Chance(Cell::new(seed.to_bits())).fraction()),
        None => JValue::Number(chance.fraction()),
    }
}

fn shuffle(chance: &Chance, args: &[JValue]) -> JValue {
    let Some(items) = args.first().and_then(JValue::as_array) else {
        return args.first().cloned().unwrap_or(JValue::Undefined);
    };
    let mut items = items.clone();
    for last in (1..items.len()).rev() {
        let other = chance.next() % (last as u64 + 1);
        items.swap(last, usize::try_from(other).unwrap_or(0));
    }
    JValue::array(items)
}

fn now(now_ms: i64, args: &[JValue]) -> HostFnResult {
    #[expect(clippy::cast_precision_loss, reason = "a JSONata number; exact for 285,000 years")]
    let mut all = vec![JValue::Number(now_ms as f64)];
    all.extend(args.iter().cloned());
    original("fromMillis", &all)
}

fn pad(args: &[JValue]) -> HostFnResult {
    if args.get(1).and_then(JValue::as_f64).is_some_and(|width| width.abs() > MAX_PAD) {
        return Err(evaluation(&format!("the width of $pad may be at most {MAX_PAD}")));
    }
    original("pad", args)
}

/// Calls a function of the language with at most three arguments, in an evaluator where nothing was replaced.
fn original(name: &str, args: &[JValue]) -> HostFnResult {
    let mut context = Context::new();
    let parameters = ["a", "b", "c"];
    for (parameter, arg) in parameters.iter().zip(args) {
        context.bind((*parameter).to_owned(), arg.clone());
    }
    let list: Vec<String> = parameters.iter().take(args.len()).map(|parameter| format!("${parameter}")).collect();
    let ast =
        parser::parse(&format!("${name}({})", list.join(", "))).map_err(|error| evaluation(&error.to_string()))?;
    Evaluator::with_context(context).evaluate(&ast, &JValue::Undefined)
}

fn evaluation(reason: &str) -> EvaluatorError {
    EvaluatorError::EvaluationError(reason.to_owned())
}
