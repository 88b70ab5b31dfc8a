//! The moments, one after the other and at random.

use super::*;

/// A small generator of numbers that are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }
}

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    /// `deploy run`, `deploy resume` or `deploy describe`.
    CommandLine,
    Worker,
    /// What runs a job.
    Supervisor,
}

/// How far a deployment is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    /// Nothing of it was uploaded.
    Nothing,
    Runs,
    Interrupted,
    /// Outcome and error code.
    Ended(String, Option<String>),
}

/// What the kills led to.
#[derive(Debug, Default)]
struct Tally {
    kills: BTreeMap<Who, u32>,
    resumed: u32,
    succeeded: u32,
    lost: u32,
}

impl Tally {
    fn count(&self) -> u32 {
        self.kills.values().sum()
    }

    fn add(&mut self, other: &Self) {
        for (who, count) in &other.kills {
            *self.kills.entry(*who).or_default() += count;
        }
        self.resumed += other.resumed;
        self.succeeded += other.succeeded;
        self.lost += other.lost;
    }
}

/// One deployment that is killed several times.
struct Round<'a> {
    victim: &'a Victim,
    id: String,
    numbers: Numbers,
    cli: Option<Started>,
    said: Vec<String>,
}

impl Round<'_> {
    fn state(&self) -> State {
        self.victim.state(&self.id)
    }

    fn pause(&mut self, limit: Duration) {
        let limit = u64::try_from(limit.as_micros()).unwrap();
        thread::sleep(Duration::from_micros(self.numbers.below(limit)));
    }

    fn say(&mut self, text: impl Into<String>) {
        self.said.push(text.into());
    }

    /// Kills and says whether there was somebody to kill.
    fn kill(&mut self, who: Who, length: Duration, tally: &mut Tally) -> bool {
        if who == Who::CommandLine {
            let cli = match self.cli.take() {
                Some(cli) => cli,
                None => {
                    let command = match self.state() {
                        State::Interrupted => ["deploy", "resume"],
                        _ => ["deploy", "describe"],
                    };
                    self.victim.env.spawn(command.iter().chain(&["-n", NAME, "-e", "dev"]))
                }
            };
            // Before, while and after it uploads or starts a worker.
            self.pause(Duration::from_millis(120));
            let there = is_running(cli.pid());
            cli.signal(Signal::KILL);
            cli.ended();
            return there;
        }
        self.pause(length);
        let began = Instant::now();
        while began.elapsed() < LIMIT {
            let mut found = match who {
                Who::Supervisor => self.victim.supervisor_pids(),
                _ => self.victim.env.worker_pids(),
            };
            // What they are about to start looks like them for a moment; they alone lead a session.
            found.retain(|pid| leads_session(*pid));
            if !found.is_empty() {
                let one = usize::try_from(self.numbers.below(found.len() as u64)).unwrap();
                kill(found[one], Signal::KILL);
                return true;
            }
            // Whoever is to die may come only after the approval.
            if !matches!(self.push(tally), State::Runs) {
                return false;
            }
        }
        panic!("{}: nobody to kill: {:?}", self.id, self.said);
    }

    /// Brings the deployment a step nearer to its end, and says how far it is.
    fn push(&mut self, tally: &mut Tally) -> State {
        let state = self.state();
        match &state {
            State::Nothing if self.cli.as_ref().is_none_or(|cli| !is_running(cli.pid())) => {
                self.say("start");
                self.cli = Some(self.victim.deploy(&self.id));
            }
            State::Interrupted => {
                self.say("resume");
                let run = self.victim.env.run(["deploy", "resume", "-b", "-n", NAME, "-e", "dev"]);
                // A command line that was killed has left a worker which is only beginning.
                if run.code == 0 {
                    tally.resumed += 1;
                } else {
                    assert!(run.stderr.contains("resume") || run.stderr.contains("interrupted"), "{}", run.stderr);
                }
            }
            State::Runs => self.victim.answer(),
            _ => {}
        }
        thread::sleep(Duration::from_millis(2));
        state
    }

    fn run(&mut self, expected: Option<&Value>, length: Duration, kills: u32, tally: &mut Tally) {
        let mut lost = false;
        for _ in 0..kills {
            let aimed = match self.numbers.below(20) {
                0..5 => Who::Supervisor,
                5..10 => Who::CommandLine,
                _ => Who::Worker,
            };
            // So that there is something to kill.
            let began = Instant::now();
            loop {
                match self.push(tally) {
                    State::Ended(..) => break,
                    State::Runs => break,
                    State::Nothing | State::Interrupted if aimed == Who::CommandLine => break,
                    _ => assert!(began.elapsed() < LIMIT, "{}: {:?}", self.id, self.said),
                }
            }
            if self.kill(aimed, length / kills, tally) {
                self.say(format!("{aimed:?} killed"));
                lost |= aimed == Who::Supervisor;
                *tally.kills.entry(aimed).or_default() += 1;
            }
        }
        let began = Instant::now();
        let (outcome, code) = loop {
            if let State::Ended(outcome, code) = self.push(tally) {
                break (outcome, code);
            }
            assert!(began.elapsed() < LIMIT, "{} does not end: {:?}, {:?}", self.id, self.state(), self.said);
        };
        if let Some(cli) = self.cli.take() {
            cli.ended();
        }
        let context = format!("{}: {:?}", self.id, self.said);
        let began = self.victim.began(&self.id);
        for name in &began {
            assert_eq!(
                began.iter().filter(|other| *other == name).count(),
                1,
                "{context}: {name} ran twice: {began:?}"
            );
        }
        match (outcome.as_str(), code.as_deref()) {
            ("SUCCEEDED", _) => {
                let mut sorted = began.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, JOBS, "{context}");
                if let Some(expected) = expected {
                    assert_eq!(self.victim.output(&self.id), *expected, "{context}");
                }
                self.victim.check_logs(&self.id, &context);
                tally.succeeded += 1;
            }
            ("FAILED", Some("JobLost")) if lost => tally.lost += 1,
            other => {
                let told = self.victim.env.run(["deploy", "describe", "-n", NAME, "-e", "dev", "-i", &self.id]);
                panic!("{context}: ended as {other:?}\n{}\n{}", told.stdout, told.stderr);
            }
        }
        self.victim.check(&context);
    }
}

fn leads_session(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let session = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(3)?.parse().ok());
    session == Some(pid)
}

/// Kills so many times, with the numbers of a seed.
fn rounds(seed: u64, kills: u32) -> Tally {
    let victim = Victim::new();
    let began = Instant::now();
    let mut tally = Tally::default();
    let undisturbed = format!("s{seed}-undisturbed");
    Round { victim: &victim, id: undisturbed.clone(), numbers: Numbers(seed), cli: None, said: Vec::new() }.run(
        None,
        Duration::ZERO,
        0,
        &mut tally,
    );
    let (expected, length) = (victim.output(&undisturbed), began.elapsed());
    let mut round = 0;
    while tally.count() < kills {
        round += 1;
        let mut numbers = Numbers(seed * 1_000_003 + round);
        let several = u32::try_from(2 + numbers.below(7)).unwrap().min(kills - tally.count());
        let id = format!("s{seed}-{round}");
        let mut round = Round { victim: &victim, id, numbers, cli: None, said: Vec::new() };
        round.run(Some(&expected), length, several, &mut tally);
    }
    tally
}

/// So many are killed side by side.
const SEEDS: u64 = 8;

#[test]
fn killed_at_any_moment_a_deployment_goes_on_and_no_job_runs_twice() {
    let kills: u32 = std::env::var("ATTINI_KILLS").map_or(60, |text| text.parse().unwrap());
    let seed: u64 = std::env::var("ATTINI_KILL_SEED").map_or(1, |text| text.parse().unwrap());
    let began = Instant::now();
    let seeds = seed..seed + SEEDS;
    println!("seeds {seeds:?}; run one again with ATTINI_KILL_SEED");
    let mut sum = Tally::default();
    thread::scope(|scope| {
        let share = kills.div_ceil(u32::try_from(SEEDS).unwrap());
        let all: Vec<_> = seeds.map(|seed| scope.spawn(move || rounds(seed, share))).collect();
        for one in all {
            sum.add(&one.join().unwrap());
        }
    });
    println!("{} kills in {:?}: {sum:?}", sum.count(), began.elapsed());
    assert!(sum.count() >= kills && sum.succeeded > 0);
}

/// A deployment that was interrupted gives way to a new one.
#[test]
fn a_new_deployment_replaces_an_interrupted_one() {
    let victim = Victim::new();
    let first = victim.deploy("old");
    first.line(|line| line.contains("MANUAL APPROVAL NEEDED"));
    for worker in victim.env.worker_pids() {
        kill(worker, Signal::KILL);
    }
    let told = first.ended();
    assert_eq!(told.code, 1);
    assert!(told.stderr.contains("attini deploy resume -n victim -e dev"), "{}", told.stderr);
    assert_eq!(victim.state("old"), State::Interrupted);
    victim.deploys("new");
    let history = victim.history();
    assert_eq!(history[1]["outcome"], "ABORTED", "{history:?}");
    let told = victim.env.run(["deploy", "describe", "-n", NAME, "-e", "dev", "-i", "old"]);
    assert!(told.stderr.contains("replaced by the deployment of victim new"), "{}", told.stderr);
    let refused = victim.env.run(["deploy", "resume", "-n", NAME, "-e", "dev"]);
    assert!(refused.code != 0 && refused.stderr.contains("it has succeeded"), "{}", refused.stderr);
}
