//! The bounds on what a repository may hold. Whoever can push decides what is fetched, so nothing is read without one.

use std::time::Duration;

use heddle_core::limit::Limit;
use heddle_registry::limits as index;

use crate::render::MAX_LOOKED_AT;

/// The most files and directories that are listed of one revision, for one path. A snapshot of Kubernetes itself has
/// about 30,000.
pub const MAX_TREE_ENTRIES: usize = 100_000;

/// The deepest that a file may lie, in names. Linux ends at 4,096 bytes of path.
pub const MAX_TREE_DEPTH: usize = 64;

/// The largest object of git that is unpacked, in bytes. GitHub warns from this size on.
pub const MAX_OBJECT_BYTES: u64 = 50 << 20;

/// The largest file that is read, in bytes. No object in a cluster is larger (etcd takes 1.5 MiB).
pub const MAX_FILE_BYTES: u64 = 8 << 20;

/// The most bytes that the answers of one fetch may hold. A snapshot of Kubernetes itself takes about 40 MiB.
pub const MAX_FETCH_BYTES: u64 = 256 << 20;

/// How long one fetch may take.
pub const FETCH_LIMIT: Duration = Duration::from_secs(120);

/// How many packs a clone may gather before it is made anew. Each new head brings one.
pub const MAX_PACKS: usize = 40;

/// How many bytes of packs a clone may gather before it is made anew.
pub const MAX_CLONE_BYTES: u64 = 512 << 20;

/// The most that all clones of an automator may take on disk, in bytes. It fetches for every repository that is connected.
pub const MAX_STORE_BYTES: u64 = 10 << 30;

/// The most bytes of plain files, changed kustomizations and output of renderers, together, for one path; and of files that
/// are copied for one kustomization.
pub const MAX_RENDER_BYTES: u64 = 64 << 20;

/// The most values that all documents of one path may hold: fields, members of lists, and mappings and lists themselves. An
/// object has about a hundred, and a value takes about a hundred bytes of memory.
pub const MAX_RENDER_VALUES: usize = 1_000_000;

/// How long a renderer may take for one directory. Kustomize takes up to 75 s for 2,000 Deployments with a `namePrefix` on a
/// slow node under load.
pub const RENDER_LIMIT: Duration = Duration::from_secs(120);

/// How long a whole path may take: all of its units together, and reading its files.
pub const PATH_LIMIT: Duration = Duration::from_secs(300);

/// The most that a renderer may write, in bytes.
pub const MAX_OUTPUT_BYTES: u64 = 64 << 20;

/// The most that a renderer may say when it fails, in bytes.
pub const MAX_COMPLAINT_BYTES: u64 = 1 << 20;

/// The most memory that a renderer may hold, in bytes; it is killed when it holds more. Kustomize takes 120 MiB for 2,000
/// Deployments.
pub const MAX_CHILD_BYTES: u64 = 384 << 20;

/// What a renderer is asked to make do with, in bytes.
pub const CHILD_HEAP_BYTES: u64 = 256 << 20;

/// How many renderers run at once.
pub const MAX_CHILDREN: usize = 2;

/// The most bytes of opened files that are kept in memory for one Sync, so that those which did not change are not opened again.
pub const MAX_OPENED_BYTES: usize = 16 << 20;

/// How deep remote bases may name others.
pub const MAX_BASE_DEPTH: usize = 8;

/// The most addresses of remote bases and files that the kustomizations of one path may name.
pub const MAX_BASES: usize = 64;

/// The most addresses of one path of which it is known what they stood for: those of the last look, and those that it could
/// not look for.
pub const MAX_KNOWN_BASES: usize = 4 * MAX_BASES;

/// The most bytes that the remote bases and files of one path may take: of a repository, one commit with all of its files,
/// packed.
pub const MAX_BASES_BYTES: u64 = 64 << 20;

/// The most bytes that a host may answer when it is asked what a branch or a tag of a remote base points to. A reference
/// takes about a hundred.
pub const MAX_REFERENCES_BYTES: u64 = 8 << 20;

/// How long fetching the remote bases of one path may take, with looking through what was fetched.
pub const BASES_LIMIT: Duration = Duration::from_secs(300);

/// How long hosts are asked for the remote bases of one path. What is left of [`BASES_LIMIT`] is for looking through what is
/// kept of them.
pub const ASKING_LIMIT: Duration = Duration::from_secs(240);

/// How long it may take until a host of remote bases begins to answer, with all that it leads on to.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// How long one remote file, one index of a repository of charts or one package may take.
pub const FILE_LIMIT: Duration = Duration::from_secs(60);

/// How long one host is waited for in vain while one path is looked at. After that it is asked nothing more, so that the
/// others have their turn.
pub const HOST_PATIENCE: Duration = Duration::from_secs(15);

/// The most that commits which are kept of remote bases may take on disk, in bytes, in an agent.
pub const MAX_KEPT_BASES_BYTES: u64 = 2 << 30;

/// The most that remote files which are kept may take on disk, in bytes, in an agent.
pub const MAX_KEPT_FILES_BYTES: u64 = 256 << 20;

/// How many indices are read at once. The whole text of one is in memory meanwhile.
pub const INDICES_AT_ONCE: usize = 2;

/// How long an index, or what a registry has under a version, is taken for what it is now. All Syncs of an agent share it.
pub const INDEX_FRESH: Duration = Duration::from_secs(300);

/// The most bytes that all indices which are kept in memory may take, and one alone.
pub const MAX_KEPT_INDICES_BYTES: u64 = 64 << 20;

/// How long an index is kept in memory that nobody asks for.
pub const KEPT_INDEX_TERM: Duration = Duration::from_secs(3600);

/// The most charts of which it is kept in memory what their repository has.
pub const MAX_KEPT_OFFERS: usize = 10_000;

/// The most bytes of the package of a chart. Large ones have about 1 MiB.
pub const MAX_CHART_BYTES: u64 = 16 << 20;

/// The most bytes that the package of a chart may unpack to.
pub const MAX_CHART_UNPACKED_BYTES: u64 = 32 << 20;

/// The most files and directories in the package of a chart.
pub const MAX_CHART_FILES: usize = 10_000;

/// The most bytes of the names of all files and directories in the package of a chart.
pub const MAX_CHART_NAMES_BYTES: usize = 512 << 10;

/// The most that the charts of all Syncs of an agent may take on disk, unpacked, in bytes.
pub const MAX_UNPACKED_BYTES: u64 = 4 << 30;

/// The most that packages of charts which are kept may take on disk, in bytes, in an agent.
pub const MAX_KEPT_CHARTS_BYTES: u64 = 512 << 20;

const RENDERED: &str = "an error of the Sync with the remedy, and condition `Rendered`";
const AT_ADDRESS: &str = "an error at the address, with the remedy";
const KEPT_ELSE_AT_ADDRESS: &str = "what was used before goes on, else an error at the address";
const AT_CHART: &str = "an error where the chart is named; the package that was used before goes on";
const FETCHED: &str = "condition `Fetched`, or the repository's error, with the remedy";

/// Every limit of this crate.
pub const LIMITS: &[Limit] = &[
    Limit::bytes("answers of a git host to one fetch", MAX_FETCH_BYTES, FETCHED),
    Limit::time("one fetch", FETCH_LIMIT, "condition `Fetched`, or the repository's error; it is tried again"),
    Limit::count("depth to which remote bases and charts name others", MAX_BASE_DEPTH as u64, AT_ADDRESS),
    Limit::count("addresses of remote bases, files and charts of one path", MAX_BASES as u64, AT_ADDRESS),
    Limit::count(
        "addresses of one path of which is remembered what they stood for while it cannot be looked at whole",
        MAX_KNOWN_BASES as u64,
        "further ones are taken for new",
    ),
    Limit::bytes("remote bases and files of one path, packed, and charts, unpacked", MAX_BASES_BYTES, AT_ADDRESS),
    Limit::bytes("answer about one branch or tag of a remote base", MAX_REFERENCES_BYTES, AT_ADDRESS),
    Limit::time(
        "fetching the remote bases, files and charts of one path, and looking through them",
        BASES_LIMIT,
        AT_ADDRESS,
    ),
    Limit::time("asking hosts for the remote bases, files and charts of one path", ASKING_LIMIT, KEPT_ELSE_AT_ADDRESS),
    Limit::time("until a host of remote bases begins to answer", ANSWER_LIMIT, KEPT_ELSE_AT_ADDRESS),
    Limit::time("one remote file, index of charts or package of a chart", FILE_LIMIT, KEPT_ELSE_AT_ADDRESS),
    Limit::time(
        "waiting in vain for one host of remote bases, for one path",
        HOST_PATIENCE,
        "it is asked nothing more in this look; what was used before goes on, else an error at the address",
    ),
    Limit::bytes(
        "commits of remote bases that are kept on disk",
        MAX_KEPT_BASES_BYTES,
        "those longest not used are removed, and fetched again when they are needed",
    ),
    Limit::bytes(
        "remote files that are kept on disk",
        MAX_KEPT_FILES_BYTES,
        "those longest not used are removed, and fetched again when they are needed",
    ),
    Limit::bytes("index of a repository of charts", index::MAX_INDEX_BYTES as u64, AT_CHART),
    Limit::count(
        "charts and versions in an index of a repository of charts",
        index::MAX_INDEX_VERSIONS as u64,
        AT_CHART,
    ),
    Limit::bytes(
        "a name, a version or an address in such an index",
        index::MAX_INDEX_TEXT_BYTES as u64,
        "it counts as not said; others are read",
    ),
    Limit::count("indices of repositories of charts that are read at once", INDICES_AT_ONCE as u64, "others wait"),
    Limit::time("what a repository of charts says is taken for what it has", INDEX_FRESH, "it is asked again"),
    Limit::bytes(
        "what all indices of repositories of charts take in memory, and one alone",
        MAX_KEPT_INDICES_BYTES,
        "those longest not used are forgotten, and fetched again when they are needed; of one alone an error at the chart",
    ),
    Limit::time(
        "an index of a repository of charts that nobody asks for, in memory",
        KEPT_INDEX_TERM,
        "it is forgotten, and fetched again when it is needed",
    ),
    Limit::count(
        "charts of which is known in memory what their registry has, and packages of which is known what they were",
        MAX_KEPT_OFFERS as u64,
        "they are forgotten, and asked for again when they are needed",
    ),
    Limit::bytes("package of a chart", MAX_CHART_BYTES, AT_CHART),
    Limit::bytes("package of a chart, unpacked", MAX_CHART_UNPACKED_BYTES, AT_CHART),
    Limit::count("files and directories in the package of a chart", MAX_CHART_FILES as u64, AT_CHART),
    Limit::bytes("names of files and directories in the package of a chart", MAX_CHART_NAMES_BYTES as u64, AT_CHART),
    Limit::bytes("charts of all Syncs of an agent on disk, unpacked", MAX_UNPACKED_BYTES, AT_CHART),
    Limit::bytes(
        "packages of charts that are kept on disk",
        MAX_KEPT_CHARTS_BYTES,
        "those longest not used are removed, and fetched again when they are needed; those in use stay",
    ),
    Limit::bytes("one object of git, unpacked; the index of all objects", MAX_OBJECT_BYTES, FETCHED),
    Limit::bytes("packs of one clone", MAX_CLONE_BYTES, "the clone is made anew"),
    Limit::count("packs of one clone in number", MAX_PACKS as u64, "the clone is made anew"),
    Limit::bytes(
        "clones of one automator on disk",
        MAX_STORE_BYTES,
        "those longest not used are removed, and fetched again when they are needed",
    ),
    Limit::count(
        "files and directories of one revision that are listed for one path, and copies of those that a kustomization reads elsewhere",
        MAX_TREE_ENTRIES as u64,
        RENDERED,
    ),
    Limit::count(
        "hidden files, and files with other endings, of one path that are looked into to say that they are not read",
        MAX_LOOKED_AT as u64,
        "further ones are not named",
    ),
    Limit::count("names in the path of a file", MAX_TREE_DEPTH as u64, RENDERED),
    Limit::bytes(
        "one file of a revision",
        MAX_FILE_BYTES,
        "an error at the file; below a kustomization a note, and the file is passed over",
    ),
    Limit::bytes(
        "plain files, changed kustomizations and output of renderers of one path; files that are copied for one kustomization",
        MAX_RENDER_BYTES,
        RENDERED,
    ),
    Limit::count("values of all objects and changed kustomizations of one path", MAX_RENDER_VALUES as u64, RENDERED),
    Limit::count("renderers at once in one agent", MAX_CHILDREN as u64, "others wait"),
    Limit::time("one renderer", RENDER_LIMIT, RENDERED),
    Limit::time("rendering one path", PATH_LIMIT, RENDERED),
    Limit::bytes("output of one renderer", MAX_OUTPUT_BYTES, RENDERED),
    Limit::bytes("complaint of one renderer", MAX_COMPLAINT_BYTES, "it ends, and only its failure is told"),
    Limit::bytes(
        "opened encrypted files that are kept in memory for one Sync",
        MAX_OPENED_BYTES as u64,
        "they are forgotten, and opened again when they are needed",
    ),
    Limit::bytes("memory of one renderer", MAX_CHILD_BYTES, RENDERED),
];
