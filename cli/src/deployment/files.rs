//! Files of a deployment.

use anyhow::{Context, Result, bail};
use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::Mutex,
};
use zip::ZipArchive;

/// Templates, state machines and zips, by their paths in a checkout, such as `infra/backup.yaml`.
#[derive(Debug)]
pub enum Files {
    Folder(PathBuf),
    /// Archive that `make dist` appends to this program's file.
    Bundle(Mutex<ZipArchive<File>>),
}

impl Files {
    /// Opens the checkout at `folder`, or this program's own archive.
    ///
    /// # Errors
    /// There is no folder, and this program has no archive.
    pub fn open(folder: Option<&Path>) -> Result<Self> {
        if let Some(folder) = folder {
            return Ok(Self::Folder(folder.to_owned()));
        }
        let program = std::env::current_exe().context("the file of this program cannot be found")?;
        let file = File::open(&program).with_context(|| format!("{}", program.display()))?;
        match ZipArchive::new(file) {
            Ok(archive) => Ok(Self::Bundle(Mutex::new(archive))),
            Err(_) => bail!(
                "this nightly holds no templates: deploy with the program that `make dist` builds, with `make deploy` in a checkout, \
                 or with --from CHECKOUT"
            ),
        }
    }

    /// Reads a file. `path` is relative to the checkout.
    ///
    /// # Errors
    /// The file is missing or cannot be read.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        match self {
            Self::Folder(folder) => {
                let file = folder.join(path);
                fs::read(&file).with_context(|| match path.ends_with(".zip") {
                    true => format!("{} is missing: run `make package` first", file.display()),
                    false => format!("{} cannot be read", file.display()),
                })
            }
            Self::Bundle(archive) => {
                let mut archive = archive.lock().expect("no other thread");
                let mut entry = archive.by_name(path).with_context(|| format!("this nightly holds no {path}"))?;
                let mut content = Vec::new();
                entry.read_to_end(&mut content)?;
                Ok(content)
            }
        }
    }

    /// Reads a text file. See [`Files::read`].
    ///
    /// # Errors
    /// As [`Files::read`], or the file is not UTF-8.
    pub fn text(&self, path: &str) -> Result<String> {
        String::from_utf8(self.read(path)?).with_context(|| format!("{path} is not UTF-8"))
    }
}

/// Resolves a path that the file at `from` names relative to itself: `infra/a.yaml` and `../b/c` give `b/c`.
pub fn resolve(from: &str, named: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in named.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_is_looked_for_beside_the_file_that_names_it() {
        assert_eq!(resolve("infra/backup.yaml", "restore-drill.yaml"), "infra/restore-drill.yaml");
        assert_eq!(resolve("infra/backup.yaml", "../target/package/a.zip"), "target/package/a.zip");
    }

    #[test]
    fn a_program_without_an_archive_says_how_to_get_one() {
        let error = Files::open(None).unwrap_err().to_string();
        assert!(error.contains("make dist"), "{error}");
    }
}
