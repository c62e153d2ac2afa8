//! Configuration text: a checked value that prints as itself, or a bounded list of mistakes.

use depthd::config::{Config, LimitSource, Mistake, Surroundings, Venues, memory, print};

/// Lines of mistakes a person is shown, and bytes of one: nobody reads more, and the log takes no more.
const MISTAKES_MAX: usize = 101;
const MISTAKE_BYTES_MAX: usize = 1_024;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let config = match read(text) {
        Ok(config) => config,
        Err(mistakes) => return check_mistakes(text, &mistakes),
    };
    assert!(memory::worst_case(&config).total_bytes() > 0);
    for feed in &config.feeds {
        assert!(feed.connections() > 0 && feed.rest_budget().refill.burst > 0, "{}", feed.name);
        let mut symbols = feed.symbols.clone();
        symbols.sort();
        symbols.dedup();
        assert_eq!(symbols.len(), feed.symbols.len(), "a symbol twice");
    }
    let printed = print::effective(&config);
    assert!(!printed.contains("sesame"), "a key is printed");
    let again = read(&printed).unwrap_or_else(|why| panic!("what is printed is refused: {why:?}\n{printed}"));
    assert_eq!(without_surroundings(again), without_surroundings(config));
}

pub fn work(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        drop(read(text).map(|config| memory::worst_case(&config)));
    }
}

/// With a key in the environment, so that no file is looked for.
fn read(text: &str) -> Result<Config, Vec<Mistake>> {
    let env = |name: &str| (name == "COINAPI_KEY").then(|| "sesame".to_owned());
    Config::from_toml(text, "f.toml", &Surroundings { env: &env, venues: Venues::known() })
}

fn check_mistakes(text: &str, mistakes: &[Mistake]) {
    assert!((1..=MISTAKES_MAX).contains(&mistakes.len()), "{} mistakes", mistakes.len());
    let lines = text.bytes().filter(|b| *b == b'\n').count() + 1;
    for mistake in mistakes {
        assert!(mistake.line <= lines, "line {} of {lines}", mistake.line);
        let bytes = mistake.to_string().len();
        assert!(bytes <= MISTAKE_BYTES_MAX, "{bytes} bytes of one mistake");
    }
    assert!(mistakes.is_sorted_by_key(|mistake| mistake.line), "not in the order of the file");
}

/// Who said a value is not printed as part of it.
fn without_surroundings(mut config: Config) -> Config {
    config.memory.limit_source = LimitSource::Configured;
    config.warnings.clear();
    config
}
