//! The bounds on tools that the command line starts: whoever can push to a folder decides what they do.

use std::time::Duration;

use heddle_core::limit::Limit;

/// How long one look with a tool may take where `--time-limit` says nothing else. A plan of some thousand resources takes
/// minutes.
pub const TOOL_LIMIT: Duration = Duration::from_secs(15 * 60);

/// How long `heddle where` waits for what a look at the host comes to.
pub const LOOK_LIMIT: Duration = Duration::from_secs(60);

/// How long an interrupted tool may take to end by itself, before it is killed.
pub const TOOL_GRACE: Duration = Duration::from_secs(10);

/// How long an apply may take where `--time-limit` says nothing else. A database takes up to an hour.
pub const APPLY_LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

/// How long an interrupted apply may take to write its state, before it is killed.
pub const APPLY_GRACE: Duration = Duration::from_secs(5 * 60);

/// The most that a tool may write to its stdout, in bytes; a plan of ten thousand resources has about 60 MiB.
pub const MAX_TOOL_OUTPUT_BYTES: u64 = 128 << 20;

/// The most of what a tool writes to its stderr that is kept, in bytes.
pub const MAX_TOOL_COMPLAINT_BYTES: u64 = 1 << 20;

/// The most memory that a tool and all that it starts may hold together, in bytes. A large provider takes 1 GiB.
pub const MAX_TOOL_MEMORY_BYTES: u64 = 4 << 30;

/// The most messages of a tool that are told.
pub const MAX_TOOL_MESSAGES: usize = 50;

/// The longest message of a tool that is told, in bytes.
pub const MAX_TOOL_MESSAGE_BYTES: usize = 4 << 10;

/// The most that is read of what our callback writes in a run of Ansible, in bytes. It stops before that by itself.
pub const MAX_EVENT_BYTES: u64 = 64 << 20;

const ENDED: &str = "the tool is ended with all that it started; exit code 2";

/// Every limit of this crate.
pub const LIMITS: &[Limit] = &[
    Limit::time("the wait of `heddle where` for a look", LOOK_LIMIT, "it says where it is still looked for"),
    Limit::time("one look of `heddle diff` with a tool", TOOL_LIMIT, ENDED).or("--time-limit"),
    Limit::time("the end of a tool that is interrupted", TOOL_GRACE, "it is killed with all that it started"),
    Limit::time("one `heddle sync`", APPLY_LIMIT, "the tool is interrupted; exit code 2").or("--time-limit"),
    Limit::time("the end of an apply that is interrupted", APPLY_GRACE, "it is killed with all that it started"),
    Limit::bytes("output of a tool", MAX_TOOL_OUTPUT_BYTES, ENDED),
    Limit::bytes("complaint of a tool", MAX_TOOL_COMPLAINT_BYTES, "the rest is passed over"),
    Limit::bytes("memory of a tool with all that it starts", MAX_TOOL_MEMORY_BYTES, ENDED),
    Limit::bytes("findings of one run of Ansible", MAX_EVENT_BYTES, "exit code 2"),
    Limit::count("messages of a tool", MAX_TOOL_MESSAGES as u64, "the rest is counted"),
    Limit::bytes("one message of a tool", MAX_TOOL_MESSAGE_BYTES as u64, "it is cut and ends in `…`"),
];
