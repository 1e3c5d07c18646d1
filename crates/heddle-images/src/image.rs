//! What each image holds, and how large it may be.

/// The user and the group of every image's program; it owns nothing but the folder of its state.
pub const USER: u32 = 65532;

/// The folder of a program's state, and where it starts.
pub const HOME: &str = "var/lib/heddle";

const MIB: u64 = 1024 * 1024;

/// Something beside a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The dashboard.
    Dashboard,
    /// The official `kustomize`.
    Kustomize,
    /// The official `helm`.
    Helm,
    /// The official `sops`.
    Sops,
}

/// An image.
#[derive(Debug)]
pub struct Image {
    /// Its name below the registry's path; also that of its program, but for the command line's.
    pub name: &'static str,
    /// Its program.
    pub program: &'static str,
    /// What it is, in a sentence.
    pub description: &'static str,
    /// What it holds beside its program.
    pub parts: &'static [Part],
    /// Variables that differ from what the program takes by itself.
    pub environment: &'static [(&'static str, &'static str)],
    /// Where it listens.
    pub ports: &'static [u16],
    /// What runs when nothing else is said. There is no entry point, so that a manifest may name the program too.
    pub command: &'static [&'static str],
    /// The most that its layers may have, as they are pulled.
    pub most_packed_bytes: u64,
    /// The most that its files may have.
    pub most_unpacked_bytes: u64,
}

/// The agent's image.
pub const AGENT: &str = "heddle-synchronizer";

/// The automator's image.
pub const AUTOMATOR: &str = "heddle-automator";

/// The API's image.
pub const API: &str = "heddle-api";

/// The images that stand in manifests which the API hands out, each with the setting by which it knows it.
pub const NAMED_BY_API: [(&str, &str); 2] =
    [(AGENT, "HEDDLE_RELEASED_AGENT_IMAGE"), (AUTOMATOR, "HEDDLE_RELEASED_AUTOMATOR_IMAGE")];

/// The images of a release. Those that the API's names come before it.
pub const IMAGES: [Image; 4] = [
    Image {
        name: AGENT,
        program: "heddle-synchronizer",
        description: "Heddle's agent in a cluster: applies what a Git branch says, with kustomize, helm and sops",
        parts: &[Part::Kustomize, Part::Helm, Part::Sops],
        environment: &[("HEDDLE_STATE_DIR", "/var/lib/heddle")],
        ports: &[],
        command: &["heddle-synchronizer"],
        most_packed_bytes: 80 * MIB,
        most_unpacked_bytes: 200 * MIB,
    },
    Image {
        name: AUTOMATOR,
        program: "heddle-automator",
        description: "Heddle's automator: watches registries and proposes changes",
        parts: &[],
        environment: &[("HEDDLE_CACHE_DIR", "/var/lib/heddle")],
        ports: &[],
        command: &["heddle-automator"],
        most_packed_bytes: 60 * MIB,
        most_unpacked_bytes: 150 * MIB,
    },
    Image {
        name: API,
        program: "heddle-api",
        description: "Heddle's web API with the dashboard",
        parts: &[Part::Dashboard],
        environment: &[
            ("HEDDLE_LISTEN", "0.0.0.0:8080"),
            ("HEDDLE_METRICS_LISTEN", "0.0.0.0:9090"),
            ("HEDDLE_WEB_DIR", "/usr/share/heddle/web"),
        ],
        ports: &[8080, 9090],
        command: &["heddle-api"],
        most_packed_bytes: 60 * MIB,
        most_unpacked_bytes: 150 * MIB,
    },
    Image {
        name: "heddle-cli",
        program: "heddle",
        description: "Heddle's command line",
        parts: &[],
        environment: &[],
        ports: &[],
        command: &["heddle", "--help"],
        most_packed_bytes: 60 * MIB,
        most_unpacked_bytes: 150 * MIB,
    },
];
