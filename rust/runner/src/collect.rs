//! Brings output files back into the Kestra task's working directory.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use azure::blob::BlobItem;
use azure::blocking;
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::RunError;
use crate::event::{EventSender, Level};
use crate::names::RunNames;
use crate::outputs::OutputSpec;
use crate::plan::{Plan, Staged, TRANSFERS_AT_ONCE};
use crate::progress::Progress;
use crate::refused::in_words;
use crate::report::Report;
use crate::working_dir::WorkingDir;

/// Names in one question to the caller.
const NAMES_AT_ONCE: usize = 1_000;

/// Patterns that brought nothing, or files that Kestra refuses, each with a line of its own; the others are counted.
const MOST_NAMED: usize = 1_000;

/// What came back.
pub(crate) struct Collected {
    pub(crate) files: usize,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Files that were here already, with the same content.
    pub(crate) unchanged: usize,
}

impl Collected {
    pub(crate) fn in_words(&self) -> String {
        let collected = format!("Collected {} output file(s)", self.files);
        match self.unchanged {
            0 => collected,
            unchanged => format!("{collected}, {unchanged} more are unchanged"),
        }
    }
}

/// A blob, and the file that it was.
struct File {
    blob: BlobItem,
    /// In the container's working directory.
    name: String,
    mode: Option<u32>,
}

/// A collection under way.
struct Collection<'a> {
    staged: &'a Staged,
    names: &'a RunNames,
    events: &'a EventSender,
    working_dir: Arc<WorkingDir>,
    report: Report,
    /// Which of the flow's patterns have brought something.
    has_brought: Vec<bool>,
    files: AtomicUsize,
    unchanged: AtomicUsize,
    /// Files that Kestra will refuse.
    refused: usize,
    progress: Arc<Progress>,
}

/// Downloads what the flow asks for of what the node uploaded.
pub(crate) async fn collect(
    plan: &Plan,
    staged: &Staged,
    names: &RunNames,
    events: &EventSender,
) -> Result<Collected, RunError> {
    let progress = Progress::collecting();
    let mut collection = Collection {
        working_dir: open(plan).await?,
        report: Report::default(),
        has_brought: vec![false; staged.wanted.matcher().len()],
        files: AtomicUsize::new(0),
        unchanged: AtomicUsize::new(0),
        refused: 0,
        progress: Arc::clone(&progress),
        staged,
        names,
        events,
    };
    progress.report_during(events, collection.collect()).await?;
    Ok(Collected {
        files: collection.files.into_inner(),
        bytes: progress.bytes(),
        unchanged: collection.unchanged.into_inner(),
    })
}

async fn open(plan: &Plan) -> Result<Arc<WorkingDir>, RunError> {
    let path = plan.local_working_dir.clone();
    let opened = blocking::begin(move || WorkingDir::open(&path)).await.await;
    opened.map_err(io::Error::other).flatten().map(Arc::new).map_err(|error| {
        RunError::Failed(format!("outputFiles: the working directory cannot be opened: {error}"))
    })
}

impl Collection<'_> {
    async fn collect(&mut self) -> Result<(), RunError> {
        let mut pages = self.staged.files.container.pages(&self.names.outputs());
        // Page by page: a task may make any number of files.
        while let Some(page) = pages.next().await? {
            let mut files = Vec::new();
            for blob in page.into_iter().filter(|blob| !blob.is_directory_marker) {
                files.extend(self.file(blob).await?);
            }
            self.take(files).await?;
        }
        self.make_directories().await?;
        self.warn_of_missing().await
    }

    /// The file that a blob was. None for a part of the report, and for a blob of anybody else.
    async fn file(&mut self, blob: BlobItem) -> Result<Option<File>, RunError> {
        if blob.name.starts_with(&self.names.report()) {
            let moved = self.report.read(&self.staged.files.container, &blob).await?;
            return Ok(moved.map(|(name, mode)| File { blob, name, mode }));
        }
        let name = self.wanted().patterns().file_name(&blob.name, self.names);
        Ok(name.map(|name| File { mode: self.report.mode(&name), name, blob }))
    }

    /// Downloads those of these files that are meant.
    async fn take(&mut self, mut files: Vec<File>) -> Result<(), RunError> {
        let is_meant = self.select(&files).await?;
        let mut is_meant = is_meant.into_iter();
        files.retain(|_| is_meant.next().unwrap_or_default());
        self.warn_of_refused(&files).await?;
        self.check_space(&files).await?;
        let this = &*self;
        let downloads = stream::iter(files).map(|file| async move { this.download(&file).await });
        downloads.buffer_unordered(TRANSFERS_AT_ONCE).try_collect().await
    }

    /// Which of the files are meant, by the patterns that are known here and by those that only the caller understands.
    async fn select(&mut self, files: &[File]) -> Result<Vec<bool>, RunError> {
        let wanted = &self.staged.wanted;
        let names: Vec<_> = files.iter().map(|file| wanted.local_name(&file.name)).collect();
        let mut is_meant = Vec::with_capacity(files.len());
        for (file, name) in files.iter().zip(&names) {
            let matches = wanted.matcher().matches(name);
            matches.iter().for_each(|pattern| self.has_brought[*pattern] = true);
            let in_output_dir = wanted.in_output_dir(&file.name).is_some();
            is_meant.push(wanted.everything() || in_output_dir || !matches.is_empty());
        }
        let numbers = wanted.matcher().of_caller();
        let chunks = names.chunks(NAMES_AT_ONCE).filter(|_| !numbers.is_empty());
        for (chunk, start) in chunks.zip((0..).step_by(NAMES_AT_ONCE)) {
            let selection = self.events.select(wanted.matcher().question(chunk)).await?;
            for (number, matching) in numbers.iter().zip(selection) {
                for at in matching.into_iter().filter(|at| *at < chunk.len()) {
                    self.has_brought[*number] = true;
                    is_meant[start + at] = true;
                }
            }
        }
        Ok(is_meant)
    }

    /// Before the first of these files is written.
    async fn check_space(&self, files: &[File]) -> Result<(), RunError> {
        let needed: u64 = files.iter().map(|file| file.blob.size).sum();
        let working_dir = Arc::clone(&self.working_dir);
        let free = on_disk(move || working_dir.free_space()).await.map_err(RunError::Failed)?;
        let Some(free) = free.filter(|free| needed > *free) else { return Ok(()) };
        Err(RunError::Failed(format!(
            "outputFiles: {} files of together {needed} bytes do not fit on the worker's disk, which has {free} bytes \
             left; make room in the working directory's file system, or ask for fewer files",
            files.len()
        )))
    }

    async fn download(&self, file: &File) -> Result<(), RunError> {
        let name = self.wanted().local_name(&file.name);
        let is_here = self.is_here(file, &name).await;
        let brought = if is_here { Ok(()) } else { self.bring(file, &name).await };
        brought.map_err(|error| {
            RunError::Failed(format!("outputFiles: '{name}' could not be brought back: {error}"))
        })?;
        let count = if is_here { &self.unchanged } else { &self.files };
        count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the file is here already with this content. Then it gets its mode.
    async fn is_here(&self, file: &File, name: &str) -> bool {
        let Some(md5) = file.blob.md5 else { return false };
        let (working_dir, name) = (Arc::clone(&self.working_dir), name.to_owned());
        let (size, mode) = (file.blob.size, file.mode);
        let looking = on_disk(move || {
            let is_same = working_dir.holds(&name, size, md5)?;
            if let Some(mode) = mode.filter(|_| is_same) {
                working_dir.set_mode(&name, mode)?;
            }
            Ok(is_same)
        });
        looking.await.unwrap_or(false)
    }

    /// The names come from a container that others can write to: the working directory lets none lead out.
    async fn bring(&self, file: &File, name: &str) -> Result<(), String> {
        let (working_dir, name) = (Arc::clone(&self.working_dir), name.to_owned());
        let new = on_disk(move || Ok(Arc::new(working_dir.create(&name)?))).await?;
        let (target, progress) = (Arc::clone(&new), self.progress.file());
        let writing = Arc::clone(&progress);
        let write = Arc::new(move |position, bytes: &[u8]| {
            target.write_at(bytes, position)?;
            writing.advance(bytes.len() as u64);
            Ok(())
        });
        let got =
            self.staged.files.container.get_file(&file.blob.name, file.blob.size, write).await;
        got.map_err(|error| in_words(&error))?;
        let mode = file.mode;
        on_disk(move || {
            mode.map_or(Ok(()), |mode| new.set_mode(mode))?;
            new.persist()
        })
        .await?;
        progress.done(file.blob.size);
        Ok(())
    }

    /// They may be empty, so that no file brings them.
    async fn make_directories(&mut self) -> Result<(), RunError> {
        let directories = std::mem::take(&mut self.report.directories);
        let names = directories.iter().map(|name| self.wanted().local_name(name));
        let (names, working_dir) = (names.collect::<Vec<_>>(), Arc::clone(&self.working_dir));
        let making =
            on_disk(move || Ok(names.iter().try_for_each(|name| working_dir.make_dir(name))?));
        making.await.map_err(|error| RunError::Failed(format!("syncWorkingDirectory: {error}")))
    }

    /// What the task did not create, and patterns that match none of its files.
    async fn warn_of_missing(&self) -> Result<(), RunError> {
        let missing = self.has_brought.iter().enumerate().filter(|(_, has_brought)| !**has_brought);
        let missing: Vec<_> = missing.map(|(number, _)| number).collect();
        for number in missing.iter().take(MOST_NAMED) {
            let message = match self.wanted().matcher().pattern(*number) {
                (name, true) => format!("outputFiles: the task did not create '{name}'"),
                (pattern, false) => format!("outputFiles: no file of the task matches '{pattern}'"),
            };
            let hint = self.wanted().matcher().hint(*number);
            let message = format!("{message}{hint}");
            self.events.note(Level::Warn, message).await?;
        }
        if let Some(others @ 1..) = missing.len().checked_sub(MOST_NAMED) {
            let message = format!("outputFiles: {others} more names and patterns brought nothing");
            self.events.note(Level::Warn, message).await?;
        }
        Ok(())
    }

    /// Kestra fails a task for such a name, in few words.
    async fn warn_of_refused(&mut self, files: &[File]) -> Result<(), RunError> {
        let objections: Vec<_> = files.iter().filter_map(|file| self.objection(file)).collect();
        let left = MOST_NAMED.saturating_sub(self.refused);
        self.refused += objections.len();
        for objection in objections.into_iter().take(left) {
            self.events.note(Level::Warn, objection).await?;
        }
        Ok(())
    }

    /// Kestra's rules for the names of files that it stores. Those of a synchronised working directory stay here.
    fn objection(&self, file: &File) -> Option<String> {
        if let Some(name) = self.wanted().in_output_dir(&file.name) {
            let is_taken =
                name.chars().all(|c| c.is_ascii_alphanumeric() || "-._+~#=/,:;".contains(c));
            return (!is_taken).then(|| {
                format!(
                    "outputDir: Kestra 1.3 and later take no file with the name '{name}' from the output directory: allowed \
                     are letters and digits without accents, and -._+~#=/,:; rename it, or write it elsewhere and name it in outputFiles"
                )
            });
        }
        let name = file.name.rsplit('/').next().unwrap_or_default();
        let is_refused = !self.wanted().everything() && !is_url_path(name);
        is_refused.then(|| {
            format!(
                "outputFiles: Kestra before 2.0 cannot store a file with the name '{name}', because it is no part of a \
                 URL; rename it"
            )
        })
    }

    fn wanted(&self) -> &OutputSpec {
        &self.staged.wanted
    }
}

/// Whether Java's `URI` takes a name. Blanks are replaced before that.
fn is_url_path(name: &str) -> bool {
    let is_escape =
        |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|b| b.is_ascii_hexdigit());
    !name.contains(['"', '<', '>', '\\', '^', '`', '{', '|', '}', '[', ']'])
        && !name.contains(char::is_control)
        && name.split('%').skip(1).all(is_escape)
}

/// What may wait for a disk.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, String> {
    let done = blocking::begin(work).await.await.map_err(io::Error::other).flatten();
    done.map_err(|error| format!("the file cannot be written: {error}"))
}
