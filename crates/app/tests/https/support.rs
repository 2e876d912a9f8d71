//! An authority of the tests' own, and `voxloop serve` with a certificate of it.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use agent::reach::Reach;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::CertificateDer;

/// TLS for the clients of this process; a second time changes nothing.
pub(crate) fn install() {
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// An authority that nobody else knows.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key in files.
pub(crate) struct Files {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, "authority of the tests");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    pub(crate) fn pem(&self) -> Vec<u8> {
        self.issuer.pem().into_bytes()
    }

    /// A certificate for these names, valid until the end of a year.
    pub(crate) fn certify(&self, folder: &Path, names: &[&str], until: i32) -> Files {
        let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 12, 31);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        Files::write(folder, &cert.pem(), &key.serialize_pem())
    }
}

impl Files {
    pub(crate) fn write(folder: &Path, cert: &str, key: &str) -> Self {
        let files = Self { cert: folder.join("server.pem"), key: folder.join("server.key") };
        std::fs::write(&files.cert, cert).unwrap();
        std::fs::write(&files.key, key).unwrap();
        files
    }

    /// A certificate that vouches for itself.
    pub(crate) fn self_signed(folder: &Path, names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = IsCa::ExplicitNoCa;
        let cert = params.self_signed(&key).unwrap();
        Self::write(folder, &cert.pem(), &key.serialize_pem())
    }
}

/// `voxloop` without settings of the surroundings.
pub(crate) fn voxloop(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_voxloop"));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.env_remove("RUST_LOG").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// A running `voxloop`, killed with the test.
pub(crate) struct Running {
    child: Child,
    /// Lines of its log, as they come.
    lines: mpsc::Receiver<String>,
    said: Arc<Mutex<String>>,
    /// Port that it listens on; 0 where it is an agent.
    pub(crate) port: u16,
}

impl Running {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (send, lines) = mpsc::channel();
        let said = Arc::<Mutex<String>>::default();
        let kept = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                kept.lock().unwrap().push_str(&format!("{line}\n"));
                send.send(line).ok();
            }
        });
        Self { child, lines, said, port: 0 }
    }

    /// A server with a certificate, and further arguments.
    pub(crate) fn serve(folder: &Path, files: &Files, args: &[&str]) -> Self {
        let mut command = voxloop(folder);
        command.args(["serve", "--listen", "127.0.0.1:0", "--no-agent"]).args(args);
        command.arg("--tls-cert").arg(&files.cert).arg("--tls-key").arg(&files.key);
        let mut running = Self::spawn(command);
        running.port = running.listens("https://127.0.0.1:");
        running
    }

    /// The port of a server whose address begins like this.
    pub(crate) fn listens(&self, address: &str) -> u16 {
        let line = self.until(&format!("voxloop is at {address}"));
        let (_, rest) = line.split_once(address).unwrap();
        rest.trim_end_matches('/').parse().unwrap()
    }

    /// Waits for a line with these words.
    pub(crate) fn until(&self, words: &str) -> String {
        loop {
            match self.lines.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line.contains(words) => return line,
                Ok(_) => {}
                Err(_) => panic!("`{words}` is missing in: {}", self.said.lock().unwrap()),
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The server, reached by a name or an address of this machine.
    pub(crate) fn reach(&self, host: &str, authorities: Option<Vec<u8>>) -> Reach {
        let server = format!("https://{host}:{}", self.port);
        Reach { server, authorities, insecure_http: false }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The certificate that a server shows.
pub(crate) fn shown(cert: &Path) -> CertificateDer<'static> {
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::from_pem_file(cert).unwrap()
}
