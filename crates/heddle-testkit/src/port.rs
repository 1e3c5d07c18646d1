//! Free ports on loopback, for programs that cannot say which one they took.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
};

use anyhow::{Result, bail};

/// Ports below those that the kernel gives to connections: Linux begins with 32768 (`ip_local_port_range`). One of those
/// could be taken by any connection before its program listens.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A port that nothing listens on and that this process has not given out before.
///
/// Processes begin at places of their own, so that one seldom looks where another does.
///
/// # Errors
/// When all are taken.
pub fn free() -> Result<u16> {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(u64::from(std::process::id()) * 97 % u64::from(COUNT))?;
    loop {
        let given = GIVEN.fetch_add(1, Ordering::Relaxed);
        if given >= COUNT {
            bail!("no free port on loopback");
        }
        let offset = (u32::from(start) + u32::from(given)) % u32::from(COUNT);
        let port = FIRST + u16::try_from(offset)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
}
