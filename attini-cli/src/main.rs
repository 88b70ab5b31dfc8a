//! The command line of Attini.

mod app;
mod args;
mod argv;
mod commands;
mod context;
mod error;
mod follow;
mod local;
mod records;
mod resolve;
mod ui;
mod world;

#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use context::Settings;
use ui::{Terminal, Ui};

fn main() -> ExitCode {
    let settings = Settings::read(|name| std::env::var_os(name));
    let (out, err) = (io::stdout(), io::stderr());
    let colors = !settings.no_color;
    let terminal = Terminal {
        color_out: colors && out.is_terminal(),
        color_err: colors && err.is_terminal(),
        live: colors && out.is_terminal(),
        interactive: io::stdin().is_terminal() && err.is_terminal(),
    };
    let input = Box::new(io::BufReader::new(io::stdin()));
    let mut ui = Ui::new(Box::new(out), Box::new(err), input, terminal, width, now);
    let mut args = Vec::new();
    for arg in std::env::args_os().skip(1) {
        match arg.into_string() {
            Ok(arg) => args.push(arg),
            Err(arg) => {
                // Nowhere to report a failure of this.
                drop(writeln!(ui.err, "Error: the argument {} is not UTF-8", arg.display()));
                return ExitCode::from(error::ErrorKind::Usage.exit_code());
            }
        }
    }
    ExitCode::from(app::run(&args, &settings, &local::Libraries, &mut ui))
}

fn width() -> usize {
    crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns))
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
