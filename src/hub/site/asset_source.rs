//! Location of the page's files; nothing outside of it can be accessed.

#[cfg(not(feature = "embed-page"))]
use std::env;
use std::{
    io,
    path::{Component, Path, PathBuf},
    pin::Pin,
};

use tower_http::services::fs::Backend;

use super::files::{EmbeddedFile, SiteFile, SiteMetadata};
use crate::hub::HubError;

/// The file that makes a folder a page.
const INDEX: &str = "index.html";

/// Returns an embedded file by its path, with `/` as the separator.
type Lookup = fn(&str) -> Option<EmbeddedFile>;

/// The files of a page.
#[derive(Clone, Debug)]
pub struct Site(AssetSource);

#[derive(Clone, Debug)]
enum AssetSource {
    /// Canonical path, so that symbolic links to the outside are detected.
    Folder(PathBuf),
    Program(Lookup),
}

impl Site {
    /// Returns the page in `folder`.
    ///
    /// # Errors
    ///
    /// Fails when the folder contains no page.
    pub fn of_folder(folder: &Path) -> Result<Self, HubError> {
        folder
            .canonicalize()
            .ok()
            .filter(|folder| folder.join(INDEX).is_file())
            .map(|folder| Self(AssetSource::Folder(folder)))
            .ok_or_else(|| HubError::NoPage { folder: folder.to_owned() })
    }

    /// Returns the page whose files `lookup` provides: `index.html`, `assets/style-3f2a9c81.css`
    /// and so on.
    pub fn of_program(lookup: fn(&str) -> Option<EmbeddedFile>) -> Self {
        Self(AssetSource::Program(lookup))
    }

    /// Returns the page embedded in this program, otherwise the one in `dist` or `web` beside it,
    /// otherwise the one in `web/dist` of the current directory.
    pub fn found() -> Option<Self> {
        #[cfg(feature = "embed-page")]
        return Some(Self::of_program(super::embedded::lookup));
        #[cfg(not(feature = "embed-page"))]
        {
            let program = env::current_exe().and_then(|program| program.canonicalize()).ok();
            Self::found_near(program.as_deref().and_then(Path::parent), Path::new("."))
        }
    }

    /// Returns the page in `dist` or `web` beside the program, otherwise in `web/dist` of
    /// `current`.
    ///
    /// `dist` comes first, because in a checkout `web` beside the program contains the page's
    /// sources.
    pub fn found_near(beside: Option<&Path>, current: &Path) -> Option<Self> {
        let beside =
            beside.into_iter().flat_map(|beside| [beside.join("dist"), beside.join("web")]);
        beside.chain([current.join("web/dist")]).find_map(|folder| Self::of_folder(&folder).ok())
    }

    fn look(&self, path: &Path) -> io::Result<SiteMetadata> {
        let path = normalize_path(path)?;
        match &self.0 {
            AssetSource::Folder(folder) => SiteMetadata::of_folder(folder, &path),
            AssetSource::Program(_) if path.as_os_str().is_empty() => Ok(SiteMetadata::top()),
            AssetSource::Program(lookup) => Ok(find(*lookup, &path)?.metadata()),
        }
    }

    fn open_file(&self, path: &Path) -> io::Result<SiteFile> {
        let path = normalize_path(path)?;
        match &self.0 {
            AssetSource::Folder(folder) => SiteFile::of_folder(folder, &path),
            AssetSource::Program(lookup) => Ok(SiteFile::of_program(find(*lookup, &path)?)),
        }
    }
}

fn find(lookup: Lookup, path: &Path) -> io::Result<EmbeddedFile> {
    let name: Vec<_> = path.iter().filter_map(|part| part.to_str()).collect();
    lookup(&name.join("/")).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Normalizes a path and rejects paths out of the page's folder. `ServeDir` already rejects `..`
/// and absolute paths, but this code does not rely on that. Names that start with a dot (`.git`,
/// `.env`) are not part of a page.
fn normalize_path(path: &Path) -> io::Result<PathBuf> {
    path.components()
        .filter(|component| *component != Component::CurDir)
        .map(|component| match component {
            Component::Normal(name) if !name.as_encoded_bytes().starts_with(b".") => Ok(name),
            _ => Err(io::ErrorKind::NotFound.into()),
        })
        .collect()
}

/// A future of file work that runs on the blocking thread pool.
type Later<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Later<T> {
    Box::pin(async { tokio::task::spawn_blocking(work).await.map_err(io::Error::other)? })
}

impl Backend for Site {
    type File = SiteFile;
    type Metadata = SiteMetadata;
    type OpenFuture = Later<SiteFile>;
    type MetadataFuture = Later<SiteMetadata>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let site = self.clone();
        run_blocking(move || site.open_file(&path))
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let site = self.clone();
        run_blocking(move || site.look(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_outside_the_page_are_rejected() {
        for (path, expected) in [
            ("./index.html", Some("index.html")),
            ("././assets/a.js", Some("assets/a.js")),
            ("./", Some("")),
            ("../secret", None),
            ("assets/../../secret", None),
            ("/etc/passwd", None),
            (".git/config", None),
            ("assets/.env", None),
        ] {
            let found = normalize_path(Path::new(path)).ok();
            assert_eq!(found.as_deref(), expected.map(Path::new), "{path}");
        }
    }
}
