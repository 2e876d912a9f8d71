//! Where the server is reached, by whom, and what it shows there.

use std::net::{SocketAddr, TcpListener};

use protocol::sentence;

use super::{
    Subject,
    finding::{Finding, duration},
    folders::no_place,
};
use crate::{
    routes,
    settings::{Cors, PublicUrl},
};

pub(super) fn server(subject: &Subject) -> Finding {
    match (&subject.server, &subject.other) {
        (Some(server), _) => Finding::ok(sentence::server_runs(
            env!("CARGO_PKG_VERSION"),
            duration(subject.now_ms - server.started_ms),
        )),
        (None, Some(other)) => other.why.clone(),
        (None, None) => Finding::note("no server runs on this data folder")
            .remedy("to start it")
            .command("voxloop serve"),
    }
}

pub(super) fn port(subject: &Subject) -> Finding {
    let Some(place) = &subject.settings.place else { return no_place() };
    let listen = place.listen;
    if subject.server.is_some() {
        return Finding::ok(sentence::listens(listen.to_string()));
    }
    if let Some(other) = &subject.other {
        return match other.listen {
            Some(it) => Finding::ok(format!("the running server listens on {it}")),
            None => Finding::skipped("the running server has its port, but has not said which"),
        };
    }
    match TcpListener::bind(listen) {
        Ok(_) => Finding::ok(format!("{listen} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let holder = holder_of(listen).unwrap_or_else(|| "another program".to_owned());
            Finding::error(format!("{listen} is taken by {holder}"))
                .remedy("stop that program, or choose another port")
                .command(format!("voxloop serve --listen {}:PORT", listen.ip()))
        }
        Err(error) => Finding::error(format!("{listen} cannot be listened on: {error}"))
            .remedy("choose an address of this machine and a port above 1023")
            .command("voxloop serve --listen 127.0.0.1:8000"),
    }
}

pub(super) async fn settings(subject: &Subject) -> Finding {
    let settings = &subject.settings;
    let mut doubts = Vec::new();
    if settings.cors == Cors::Any {
        doubts.push(sentence::any_origin());
    }
    if settings.max_image_bytes < settings.max_upload_bytes {
        doubts.push(sentence::image_below_upload());
    }
    let memory = crate::host::memory().total_bytes;
    if memory > 0 && settings.max_image_bytes > memory {
        doubts.push(sentence::image_above_memory());
    }
    // Behind a proxy the server itself may listen on loopback only.
    let is_open = settings.is_reached_by_others() || !settings.public_urls.is_empty();
    let lets_all_in = is_open && lets_all_in(subject).await;
    if lets_all_in {
        doubts.push(sentence::no_token());
    }
    let is_bare = is_open && !settings.public_urls.iter().any(PublicUrl::is_https);
    if is_bare {
        doubts.push(sentence::no_https());
    }
    if doubts.is_empty() {
        return Finding::ok(sentence::settings_fine());
    }
    let finding = if settings.cors == Cors::Any {
        Finding::warning(sentence::setting_risky())
            .remedy(sentence::name_origins())
            .command("CORS_ORIGIN=https://page.example")
    } else if lets_all_in {
        Finding::warning(sentence::setting_risky())
            .remedy(sentence::name_token())
            .command("voxloop admin invite --role admin, or --token-file FILE (TOKEN_FILE)")
    } else if is_bare {
        Finding::warning(sentence::setting_risky())
            .remedy(sentence::put_proxy())
            .command("--tls-cert FILE --tls-key FILE --public-url https://HOST")
    } else {
        Finding::note(sentence::settings_clash())
    };
    finding.details(doubts)
}

/// Whether everybody who reaches the server may do everything.
async fn lets_all_in(subject: &Subject) -> bool {
    let settings = &subject.settings;
    let asks = settings.token.is_some() || settings.is_reached_by_others();
    let has_people = match &subject.database {
        // One that an older version made has no such table.
        Ok(store) => store.has_people().await.unwrap_or(false),
        Err(_) => false,
    };
    !asks && !has_people
}

pub(super) fn page(_subject: &Subject) -> Finding {
    if routes::has_page() {
        Finding::ok(sentence::page_is_here())
    } else {
        Finding::warning("this binary was built without its page; the API works")
            .remedy("build the page, then the binary")
            .command("make run")
    }
}

/// The program that listens on `address`, as far as the system tells: `name (process 123)`.
#[must_use]
pub fn holder_of(address: SocketAddr) -> Option<String> {
    holder::find(address)
}

#[cfg(target_os = "linux")]
mod holder {
    //! Linux lists the sockets in `/proc/net/tcp` and shows in `/proc/PID/fd` who has them open.

    use std::{fs, net::SocketAddr};

    pub(super) fn find(address: SocketAddr) -> Option<String> {
        let inode = inodes(address.port()).next()?;
        let socket = format!("socket:[{inode}]");
        let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
        let is_number =
            |name: &std::ffi::OsStr| name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
        let processes = processes.filter(|it| is_number(&it.file_name()));
        let mut processes = processes.filter(|process| {
            let files = fs::read_dir(process.path().join("fd")).into_iter().flatten();
            files
                .filter_map(Result::ok)
                .any(|it| fs::read_link(it.path()).is_ok_and(|it| it.as_os_str() == &*socket))
        });
        let process = processes.next()?;
        let name = fs::read_to_string(process.path().join("comm")).ok()?;
        Some(format!("`{}` (process {})", name.trim(), process.file_name().to_string_lossy()))
    }

    /// Numbers of the sockets that listen on `port`.
    fn inodes(port: u16) -> impl Iterator<Item = String> {
        ["/proc/net/tcp", "/proc/net/tcp6"]
            .into_iter()
            .filter_map(|it| fs::read_to_string(it).ok())
            .flat_map(move |table| {
                let found: Vec<_> =
                    table.lines().filter_map(|it| listening_inode(it, port)).collect();
                found
            })
    }

    /// A line's inode, where the line is about a socket that listens on `port`.
    pub(super) fn listening_inode(line: &str, port: u16) -> Option<String> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
        let is_it = u16::from_str_radix(local_port, 16).is_ok_and(|it| it == port);
        // 0A is the state "listen".
        let is_listening = *fields.get(3)? == "0A";
        (is_it && is_listening).then(|| fields.get(9).map(|it| (*it).to_owned()))?
    }
}

#[cfg(not(target_os = "linux"))]
mod holder {
    //! Other systems have no way to ask that is as simple.

    pub(super) fn find(_address: std::net::SocketAddr) -> Option<String> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_socket_table_is_understood() {
        let line = "   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  \
                    1000        0 34567 1 0000000000000000 100 0 0 10 0";
        assert_eq!(holder::listening_inode(line, 8000).as_deref(), Some("34567"));
        assert_eq!(holder::listening_inode(line, 8001), None);
        assert_eq!(holder::listening_inode(&line.replace(" 0A ", " 01 "), 8000), None);
        assert_eq!(holder::listening_inode("  sl  local_address rem_address   st", 8000), None);
    }

    #[test]
    fn the_holder_of_a_port_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = holder_of(taken.local_addr().unwrap()).unwrap();
        assert!(holder.contains(&format!("(process {})", std::process::id())), "{holder}");
    }
}
