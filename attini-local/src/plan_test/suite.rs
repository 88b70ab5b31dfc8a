use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use attini_core::problem::{Problem, Problems};

use super::check::Mismatch;
use super::coverage::Coverage;
use super::file::{Case, CaseFile};
use super::project::{Machine, Project, Setting};
use super::run::{CaseResult, check_names, run_case};

/// The folder of a distribution with its files of cases.
pub const FOLDER: &str = "attini-tests";

/// Returns the files of cases of a distribution: `*.yaml`, `*.yml` and `*.json` in [`FOLDER`], by name.
///
/// # Errors
///
/// When the folder is there and cannot be read.
pub fn case_files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(root.join(FOLDER)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let is_schema = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".schema.json"));
        if ["yaml", "yml", "json"].contains(&extension) && path.is_file() && !is_schema {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Files of cases with the plan they are about.
#[derive(Debug)]
pub struct Suite {
    files: Vec<CaseFile>,
    machines: BTreeMap<Setting, Result<Machine, Problems>>,
}

/// What came of all cases.
#[derive(Debug)]
pub struct SuiteResult {
    /// The cases in the order of the files.
    pub cases: Vec<CaseResult>,
    /// What they go through, over all that ran.
    pub coverage: Coverage,
    /// How long they took here.
    pub elapsed: Duration,
}

impl SuiteResult {
    /// Returns how many cases passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.passed()).count()
    }

    /// Has cases fail that have answers which serve no call.
    pub fn deny_unused(&mut self) {
        for case in &mut self.cases {
            for unused in std::mem::take(&mut case.unused) {
                case.mismatches.push(Mismatch {
                    what: format!("mocks.{}", unused.step),
                    expected: "a call that this answer serves".to_owned(),
                    actual: "no call".to_owned(),
                    at: unused.at,
                });
            }
        }
    }
}

fn setting(case: &Case) -> Setting {
    Setting {
        environment: case.environment.clone(),
        parameters: case.parameters.clone(),
        parameter_store: case.parameter_store.clone(),
    }
}

impl Suite {
    /// Expands the plan for every environment that the cases name, and holds the cases against it.
    ///
    /// # Errors
    ///
    /// Everything in the files that cannot be in this plan: steps that there are not, answers that do not fit. A plan that
    /// cannot be expanded is no error here, its cases fail.
    pub fn new(project: &Project, files: Vec<CaseFile>) -> Result<Self, Problems> {
        let mut machines = BTreeMap::new();
        for case in files.iter().flat_map(|file| &file.cases) {
            let setting = setting(case);
            machines.entry(setting).or_insert_with_key(|setting| project.machine(setting));
        }
        let mut problems: Vec<Problem> = Vec::new();
        for case in files.iter().flat_map(|file| &file.cases) {
            if let Some(Ok(machine)) = machines.get(&setting(case)) {
                // A mistake in the defaults is told once.
                for problem in check_names(case, machine) {
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
            }
        }
        if problems.is_empty() { Ok(Self { files, machines }) } else { Err(Problems(problems)) }
    }

    /// Runs the cases whose name, or the name of whose file, contains `filter`, at most `threads` at a time.
    #[must_use]
    pub fn run(&self, filter: Option<&str>, threads: usize) -> SuiteResult {
        let begun = Instant::now();
        let wanted = |file: &CaseFile, case: &Case| {
            filter.is_none_or(|filter| case.name.contains(filter) || file.name.contains(filter))
        };
        let cases: Vec<(&CaseFile, &Case)> = self
            .files
            .iter()
            .flat_map(|file| file.cases.iter().map(move |case| (file, case)))
            .filter(|(file, case)| wanted(file, case))
            .collect();
        let next = AtomicUsize::new(0);
        let results: Vec<Mutex<Option<CaseResult>>> = cases.iter().map(|_| Mutex::new(None)).collect();
        let work = || {
            while let Some((index, (file, case))) = {
                let index = next.fetch_add(1, Ordering::Relaxed);
                cases.get(index).map(|case| (index, *case))
            } {
                let result = self.run_one(file, case);
                *results[index].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads.min(cases.len()) {
                scope.spawn(work);
            }
            work();
        });
        let results = results.into_iter().filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner));
        let results: Vec<CaseResult> = results.collect();
        let mut coverage = Coverage::default();
        for ((_, case), result) in cases.iter().zip(&results) {
            if let Some(Ok(machine)) = self.machines.get(&setting(case)) {
                coverage.add(&machine.marked, &result.seen);
            }
        }
        SuiteResult { cases: results, coverage, elapsed: begun.elapsed() }
    }

    fn run_one(&self, file: &CaseFile, case: &Case) -> CaseResult {
        match self.machines.get(&setting(case)) {
            Some(Ok(machine)) => run_case(&file.name, case, machine),
            Some(Err(problems)) => CaseResult::broken(&file.name, case, problems),
            None => CaseResult::broken(&file.name, case, &Problems::one("the case is not of this suite")),
        }
    }
}
