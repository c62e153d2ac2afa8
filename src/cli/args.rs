//! Arguments and their help, nothing more.

use crate::config::units;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Version, commit and target, as `--version` prints them.
pub const VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("DEPTHD_COMMIT"), ", ", env!("DEPTHD_TARGET"), ")");
/// The commit alone, for `build_info`.
pub const COMMIT: &str = env!("DEPTHD_COMMIT");

/// Keeps crypto order books exact, or says that they are stale.
#[derive(Parser, Debug)]
#[command(
    name = "depthd",
    version = VERSION,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Example: depthd demo"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    Demo(DemoArgs),
    Run(RunArgs),
    Check(CheckArgs),
    Sim(SimArgs),
    Symbols(SymbolsArgs),
}

/// Run a simulated venue and the daemon in one process: no key, no network
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  depthd demo --symbols 20 --faults chaos --for 60s\n  \
                        depthd demo --venue kraken --symbols 8")]
pub struct DemoArgs {
    /// Where the dashboard listens: IP:PORT or unix:/path
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5000")]
    pub listen: String,
    /// Which venue is simulated [default: coinapi and binance, each with its share of the symbols]
    #[arg(long, value_name = "NAME")]
    pub venue: Option<String>,
    /// How many symbols the venue has
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub symbols: u32,
    /// Messages per second, over all symbols
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// How often the venue and the link misbehave
    #[arg(long, value_enum, default_value_t = Faults::Light)]
    pub faults: Faults,
    /// The same seed makes the same market and the same faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Stop after this time and print the summary [default: run until stopped]
    #[arg(long = "for", value_name = "DURATION", value_parser = units::duration)]
    pub duration: Option<Duration>,
    /// Print the status line also when the output is no terminal
    #[arg(long)]
    pub verbose: bool,
}

/// Run the daemon
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  depthd run --config /etc/depthd/depthd.toml\n  \
                        depthd run --feed binance --symbols BTCUSDT,ETHUSDT\n  \
                        COINAPI_KEY=... depthd run --feed coinapi --symbols BITSTAMP_SPOT_BTC_USD")]
pub struct RunArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Check a configuration, print the effective one and its worst-case memory
#[derive(Args, Debug)]
#[command(after_help = "Example: depthd check --config systemd/depthd.toml")]
pub struct CheckArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Where the configuration comes from.
#[derive(Args, Clone, Default, Debug)]
pub struct ConfigArgs {
    /// Configuration file [default: /etc/depthd/depthd.toml, if it exists]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["feed", "symbols"])]
    pub config: Option<PathBuf>,
    /// A venue to receive from, without a file; repeatable, each with its own --symbols
    #[arg(long, value_name = "VENUE")]
    pub feed: Vec<String>,
    /// Symbols of the --feed before it, separated by commas
    #[arg(long, value_name = "A,B")]
    pub symbols: Vec<String>,
    /// Where HTTP listens: IP:PORT or unix:/path
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
}

/// Run the simulated venue alone, or serve a recording
///
/// Prints a feed to paste into a configuration, and runs until SIGTERM or SIGINT.
///
/// A recording is played to every connection from its beginning, over WebSocket. Over REST it answers with the venue's
/// book at the last message sent on the connection that is farthest: the recorded snapshot, with every recorded change
/// since. A level that neither shows does not exist. At full pace the stream goes as fast as its client reads, and waits
/// while one fetches a book.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  depthd sim --venue binance --symbols 20 --faults light\n  \
                        depthd sim --capture btcusdt.gz --pace full > sim.toml &\n  \
                        depthd run --config sim.toml")]
pub struct SimArgs {
    /// Where it listens: IP:PORT; port 0 takes any that is free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: std::net::SocketAddr,
    /// Which venue it speaks like
    #[arg(long, value_name = "NAME", default_value = "coinapi")]
    pub venue: String,
    /// How many symbols it has
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub symbols: u32,
    /// Messages per second, over all symbols
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// How often it misbehaves
    #[arg(long, value_enum, default_value_t = Faults::Off)]
    pub faults: Faults,
    /// The same seed makes the same market and the same faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Serve this recording instead: lines of nanoseconds and JSON, plain or gzip
    #[arg(long, value_name = "FILE", conflicts_with_all = ["venue", "symbols", "rate", "faults", "seed"])]
    pub capture: Option<PathBuf>,
    /// At the recorded pace, or as fast as it is taken
    #[arg(long, value_enum, default_value_t = Pace::Recorded, requires = "capture")]
    pub pace: Pace,
}

/// List what a venue has to subscribe to, by its own name and by the name that means the same on every venue
///
/// Asks the venue over REST, once. A configuration takes either name.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  depthd symbols kraken btc\n  \
                        COINAPI_KEY=... depthd symbols coinapi BITSTAMP_SPOT_BTC")]
pub struct SymbolsArgs {
    /// As in a configuration: binance, kraken, ...
    pub venue: String,
    /// Only what has this in either name, in whatever letter case
    pub pattern: Option<String>,
    /// Another address to ask [default: the venue's own]
    #[arg(long, value_name = "REST_URL")]
    pub url: Option<String>,
    /// How long an answer may take
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = units::duration)]
    pub timeout: Duration,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Faults {
    Off,
    Light,
    Chaos,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    Recorded,
    Full,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together_and_every_help_has_an_example() {
        let mut command = Cli::command();
        command.clone().debug_assert();
        command.build();
        for sub in std::iter::once(&command).chain(command.get_subcommands()) {
            let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{} has no example", sub.get_name());
        }
    }

    #[test]
    fn the_documented_flags_are_taken() {
        for line in [
            "demo --listen 127.0.0.1:0 --symbols 5 --rate 1000 --faults chaos --seed 7 --for 60s --verbose",
            "run --config f.toml",
            "run --feed binance --symbols BTCUSDT --feed coinapi --symbols A,B --listen 127.0.0.1:1",
            "check --config f.toml",
            "sim --listen 127.0.0.1:0 --venue coinapi --symbols 5 --rate 10 --faults off --seed 3",
            "sim --capture f.gz --pace full",
            "symbols binance",
            "symbols kraken btc --url http://127.0.0.1:1 --timeout 1s",
        ] {
            let words = std::iter::once("depthd").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
        for line in [
            "demo --for 60",
            "run --config f --feed binance",
            "sim --pace full",
            "demo --faults some",
            "top",
            "symbols",
            "symbols a b c",
            "symbols a --timeout 1",
        ] {
            let refused = Cli::try_parse_from(std::iter::once("depthd").chain(line.split(' ')));
            assert_eq!(refused.err().map(|why| why.exit_code()), Some(2), "{line}");
        }
    }
}
