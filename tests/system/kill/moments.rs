//! The moments, one after the other and at random.

use super::*;

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Who {
    CommandLine,
    Worker,
}

/// A small generator of numbers that are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// So many lines there are at least when the approval is waited for.
const AT_APPROVAL: usize = 30;

/// Kills after so many lines of output and a moment more, and checks everything that must hold then.
fn cut(victim: &Victim, id: &str, who: Who, lines: usize, more: Duration) {
    let context = format!("{id}: {who:?} after {lines} lines and {more:?}");
    victim.let_end();
    let before = victim.history().len();
    let run = victim.deploy(id);
    let is_approval = |line: &str| line.contains("MANUAL APPROVAL NEEDED");
    let there = thread::scope(|scope| {
        scope.spawn(|| {
            if lines > AT_APPROVAL && run.line(is_approval).is_some() {
                victim.approve();
            }
        });
        run.lines(lines.min(AT_APPROVAL)) && (lines <= AT_APPROVAL || run.lines(lines))
    });
    if !there {
        // It ended before that.
        assert_eq!(run.ended().code, 0, "{context}");
        return;
    }
    thread::sleep(more);
    match who {
        Who::CommandLine => {
            run.signal(Signal::KILL);
            run.ended();
            victim.let_end();
            let history = victim.check(&context);
            // Either nothing was uploaded, or it went on to its end without anybody who looks. Between the two there is a
            // moment in which the upload is recorded and its worker is not started yet.
            if history.len() > before {
                assert_eq!(history[0]["distributionId"], id, "{context}");
                if history[0]["outcome"] == "INTERRUPTED" {
                    let told = victim.env.run(["deploy", "describe", "-n", NAME, "-e", "dev"]).exits(1);
                    assert!(told.stderr.contains("its worker never started"), "{context}: {}", told.stderr);
                } else {
                    assert_eq!(history[0]["outcome"], "SUCCEEDED", "{context}: {}", history[0]);
                }
            }
        }
        Who::Worker => {
            let workers = victim.env.worker_pids();
            for worker in &workers {
                kill(*worker, Signal::KILL);
            }
            if workers.is_empty() {
                // Not yet there, or no more.
                if run.line(is_approval).is_some() {
                    victim.approve();
                }
                assert_eq!(run.ended().code, 0, "{context}");
                return;
            }
            let ended = run.ended();
            let history = victim.check(&context);
            assert_eq!(history.len(), before + 1, "{context}");
            match history[0]["outcome"].as_str().unwrap() {
                "INTERRUPTED" => {
                    assert_eq!(ended.code, 1, "{context}\n{}\n{}", ended.stdout, ended.stderr);
                    assert!(ended.stderr.contains("worker"), "{context}\n{}\n{}", ended.stdout, ended.stderr);
                    let told = victim.env.run(["deploy", "describe", "-n", NAME, "-e", "dev"]).exits(1);
                    assert!(told.stderr.contains("worker"), "{context}: {}", told.stderr);
                }
                "SUCCEEDED" => assert_eq!(ended.code, 0, "{context}\n{}\n{}", ended.stdout, ended.stderr),
                other => panic!("{context}: {other}"),
            }
        }
    }
}

fn rounds(seed: u64, count: u64) {
    let victim = Victim::new();
    let mut numbers = Numbers(seed);
    for round in 0..count {
        let who = if (round + seed).is_multiple_of(2) { Who::Worker } else { Who::CommandLine };
        let lines = usize::try_from(1 + numbers.below(48)).unwrap();
        cut(&victim, &format!("r{round}"), who, lines, Duration::from_millis(numbers.below(12)));
        if round % 3 == 2 {
            victim.deploys(&format!("ok{round}"));
        }
    }
    victim.deploys("finally");
}

#[test]
fn killed_at_any_moment_the_records_stay_true_and_a_new_run_works() {
    thread::scope(|scope| {
        for seed in 1..=4 {
            scope.spawn(move || rounds(seed, 10));
        }
    });
}
