//! Keys: where they are looked for, and a type that cannot be printed.
//!
//! The order is the environment, the systemd credential, the feed's own file. File modes and owners are not judged:
//! systemd itself hands out credentials as 0440 with an access list on some versions, and a daemon that insists on
//! "0400 and mine" refuses its own key there.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Longer than any venue's key, shorter than a file given by mistake.
const KEY_BYTES_MAX: usize = 512;

/// A key. Shows as `[redacted]` whichever way it is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Where a feed's key came from. Safe to print.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeySource {
    /// There is none, and none is needed.
    None,
    Environment(String),
    Credential(PathBuf),
    File(PathBuf),
}

impl Secret {
    /// # Errors
    /// What is wrong with it, never the text itself.
    pub fn new(text: &str) -> Result<Secret, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("is empty".to_owned());
        }
        if text.len() > KEY_BYTES_MAX {
            return Err(format!("is longer than {KEY_BYTES_MAX} bytes: not a key"));
        }
        // It travels in a header, where anything else would be cut, refused or taken for a second header.
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("must be one word of visible ASCII characters".to_owned());
        }
        Ok(Secret(text.to_owned()))
    }

    /// The key itself, for the one header it belongs in.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeySource::None => f.write_str("none"),
            KeySource::Environment(name) => write!(f, "environment {name}"),
            KeySource::Credential(path) => write!(f, "credential {}", path.display()),
            KeySource::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

/// Looks for the key of a venue. `Ok(None)`: there is none anywhere.
///
/// # Errors
/// A place that should hold one does not, or cannot be read.
pub(super) fn find(
    env: &dyn Fn(&str) -> Option<String>,
    venue: &str,
    file: Option<&Path>,
) -> Result<Option<(Secret, KeySource)>, String> {
    let variable = variable(venue);
    if let Some(text) = env(&variable).filter(|text| !text.is_empty()) {
        let secret = Secret::new(&text).map_err(|why| format!("the key in {variable} {why}"))?;
        return Ok(Some((secret, KeySource::Environment(variable))));
    }
    if let Some(folder) = env("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty()) {
        let path = Path::new(&folder).join(credential(venue));
        // systemd starts a unit without a credential it does not find, so that absence is no mistake here.
        if path.exists() {
            let secret = read(&path)?;
            return Ok(Some((secret, KeySource::Credential(path))));
        }
    }
    match file {
        Some(path) => Ok(Some((read(path)?, KeySource::File(path.to_owned())))),
        None => Ok(None),
    }
}

/// The environment variable that may hold a venue's key: `COINAPI_KEY`.
pub(super) fn variable(venue: &str) -> String {
    format!("{}_KEY", venue.to_ascii_uppercase().replace('-', "_"))
}

/// The systemd credential that may hold a venue's key: `coinapi-key`.
pub(super) fn credential(venue: &str) -> String {
    format!("{venue}-key")
}

fn read(path: &Path) -> Result<Secret, String> {
    let shown = path.display();
    let file = File::open(path).map_err(|why| format!("cannot open the key file {shown}: {why}"))?;
    let mut text = String::new();
    let limit = KEY_BYTES_MAX as u64 * 2;
    file.take(limit)
        .read_to_string(&mut text)
        .map_err(|why| format!("cannot read the key file {shown}: {why}"))?;
    Secret::new(&text).map_err(|why| format!("the key in {shown} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints() {
        let secret = Secret::new(" top-secret\n").expect("a key");
        assert_eq!(secret.reveal(), "top-secret");
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "[redacted] [redacted] Some([redacted])"
        );
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        for text in ["", " \n", "two words", "line\nbreak", "caf\u{e9}", &"x".repeat(600)] {
            let why = Secret::new(text).expect_err(text);
            assert!(text.len() < 3 || !why.contains(text), "{why}");
        }
    }

    #[test]
    fn names_follow_the_venue() {
        assert_eq!(variable("coinapi"), "COINAPI_KEY");
        assert_eq!(credential("coinapi"), "coinapi-key");
    }

    #[test]
    fn a_missing_file_says_which_and_why() {
        let why = find(&|_| None, "coinapi", Some(Path::new("/nonexistent/key"))).expect_err("no such file");
        assert!(why.contains("/nonexistent/key") && why.contains("No such file"), "{why}");
    }
}
