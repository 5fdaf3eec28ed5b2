//! Files and metadata of a page.

use std::{
    borrow::Cow,
    fs, future,
    io::{self, Cursor, ErrorKind},
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
    time::SystemTime,
};

use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::fs::{File, Metadata};

/// A file embedded in this program.
#[derive(Clone, Debug)]
pub struct EmbeddedFile {
    pub data: Cow<'static, [u8]>,
    /// Must differ between builds when the content differs, because the entity tag is made of this
    /// and the length. `None` sends no entity tag.
    pub modified: Option<SystemTime>,
}

impl EmbeddedFile {
    pub(super) fn metadata(&self) -> SiteMetadata {
        let length = self.data.len() as u64;
        SiteMetadata { is_folder: false, length, modified: self.modified }
    }
}

/// Metadata of a file.
#[derive(Clone, Copy, Debug)]
pub struct SiteMetadata {
    is_folder: bool,
    length: u64,
    modified: Option<SystemTime>,
}

impl SiteMetadata {
    /// Returns the metadata of the root folder of an embedded page.
    pub(super) fn top() -> Self {
        Self { is_folder: true, length: 0, modified: None }
    }

    pub(super) fn of_folder(folder: &Path, path: &Path) -> io::Result<Self> {
        Ok(Self::of(&fs::metadata(resolve(folder, path)?)?))
    }

    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            is_folder: metadata.is_dir(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

impl Metadata for SiteMetadata {
    fn is_dir(&self) -> bool {
        self.is_folder
    }

    fn modified(&self) -> io::Result<SystemTime> {
        self.modified.ok_or_else(|| ErrorKind::Unsupported.into())
    }

    fn len(&self) -> u64 {
        self.length
    }
}

/// An open file.
#[derive(Debug)]
pub struct SiteFile {
    content: Content,
    metadata: SiteMetadata,
}

#[derive(Debug)]
enum Content {
    Disk(tokio::fs::File),
    Program(Cursor<Cow<'static, [u8]>>),
}

impl SiteFile {
    pub(super) fn of_folder(folder: &Path, path: &Path) -> io::Result<Self> {
        let path = resolve(folder, path)?;
        // Checked before opening, because opening a named pipe would block until there is a writer.
        if !fs::metadata(&path)?.is_file() {
            return Err(ErrorKind::NotFound.into());
        }
        let file = fs::File::open(path)?;
        let metadata = SiteMetadata::of(&file.metadata()?);
        Ok(Self { content: Content::Disk(file.into()), metadata })
    }

    pub(super) fn of_program(file: EmbeddedFile) -> Self {
        let metadata = file.metadata();
        Self { content: Content::Program(Cursor::new(file.data)), metadata }
    }
}

/// Resolves symbolic links in a path below a canonical folder; fails for targets outside the
/// folder.
fn resolve(folder: &Path, path: &Path) -> io::Result<PathBuf> {
    // Invalid names (too long, containing NUL, circular links) and unreadable folders are reported
    // as "not found": they are no errors of the server.
    let resolved = folder.join(path).canonicalize().map_err(|_| ErrorKind::NotFound)?;
    if resolved.starts_with(folder) { Ok(resolved) } else { Err(ErrorKind::NotFound.into()) }
}

impl File for SiteFile {
    type Metadata = SiteMetadata;
    type MetadataFuture<'a> = future::Ready<io::Result<SiteMetadata>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        future::ready(Ok(self.metadata))
    }
}

impl AsyncRead for SiteFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.content {
            Content::Disk(file) => Pin::new(file).poll_read(context, buffer),
            Content::Program(bytes) => Pin::new(bytes).poll_read(context, buffer),
        }
    }
}

impl AsyncSeek for SiteFile {
    fn start_seek(mut self: Pin<&mut Self>, position: io::SeekFrom) -> io::Result<()> {
        match &mut self.content {
            Content::Disk(file) => Pin::new(file).start_seek(position),
            Content::Program(bytes) => Pin::new(bytes).start_seek(position),
        }
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        match &mut self.content {
            Content::Disk(file) => Pin::new(file).poll_complete(context),
            Content::Program(bytes) => Pin::new(bytes).poll_complete(context),
        }
    }
}
