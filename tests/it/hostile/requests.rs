//! The hostile requests: a kind, its bytes, and which answers are right for it.

use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _};
use std::fmt;
use tallygate::demo::company::Customer;
use tallygate_tests::installation::basic;

/// A request, and what may come back.
pub(super) struct Hostile {
    pub(super) kind: usize,
    pub(super) bytes: Vec<u8>,
    /// Statuses; 0 stands for a connection that is closed without an answer.
    right: &'static [u16],
}

/// The kinds, in the order of [`Hostile::of_kind`].
pub(super) const KINDS: [&str; 26] = [
    "any bytes as path, no credentials",
    "non-UTF-8 header value",
    "control byte in a header",
    "NUL in the path",
    "broken percent codes in credentials",
    "percent-coded non-UTF-8 credentials",
    "broken Basic",
    "Basic that contradicts the query",
    "a parameter twice, differently",
    "a parameter twice, alike",
    "two Authorization headers",
    "two lengths or hosts",
    "long query",
    "too long query",
    "too long header",
    "no request at all",
    "form of any bytes",
    "form with credentials and junk",
    "form too long to read",
    "form cut off",
    "escaped slash",
    "strange host",
    "old or future protocol",
    "strange method",
    "dot segments and many slashes",
    "headers that are ours",
];

// === impl Hostile ===

impl Hostile {
    pub(super) fn any(random: &mut StdRng, customer: &Customer) -> Self {
        let kind = random.random_range(0..KINDS.len());
        let (bytes, right) = Self::of_kind(kind, random, customer);
        Self { kind, bytes, right }
    }

    pub(super) fn allows(&self, status: Option<u16>) -> bool {
        self.right.contains(&status.unwrap_or(0))
    }

    /// Whether the server would wait for more.
    pub(super) fn is_cut_off(&self) -> bool {
        KINDS[self.kind] == "form cut off"
    }

    fn of_kind(kind: usize, random: &mut StdRng, customer: &Customer) -> (Vec<u8>, &'static [u16]) {
        let credentials = format!(
            "api_user={}&api_key={}",
            customer.api_user, customer.api_key
        );
        let good = format!("/api/mail.send.json?{credentials}");
        let good = good.as_str();
        match kind {
            0 => {
                let allowed = if random.random_bool(0.5) {
                    is_path
                } else {
                    |byte: u8| byte.is_ascii_graphic()
                };
                let path = [b"/".as_slice(), &bytes(random, 200, allowed)].concat();
                (get(&path, &[]), &[400, 401])
            }
            1 => (
                get(
                    good.as_bytes(),
                    &[(b"x-junk", &bytes(random, 300, |byte| byte >= 0x80))],
                ),
                &[200],
            ),
            2 => {
                let junk = [
                    b"a".as_slice(),
                    &[[0, 1, 8, 11, 14, 127][random.random_range(0..6)]],
                    b"b",
                ]
                .concat();
                (get(good.as_bytes(), &[(b"x-junk", &junk)]), &[400])
            }
            3 => (
                get(&[good.as_bytes(), b"&x=\0".as_slice()].concat(), &[]),
                &[400],
            ),
            4 => {
                let broken = ["%", "%z", "%zz", "%0", "%%%", "%u0041"][random.random_range(0..6)];
                (
                    get(
                        format!("/api/mail?api_user={broken}&api_key=x{broken}").as_bytes(),
                        &[],
                    ),
                    &[403],
                )
            }
            5 => {
                let coded: String = bytes(random, 60, |_| true)
                    .iter()
                    .map(|byte| format!("%{byte:02x}"))
                    .collect();
                (
                    get(
                        format!("/api/mail?api_user=a{coded}&api_key={coded}b").as_bytes(),
                        &[],
                    ),
                    &[403],
                )
            }
            6 => {
                let junk = bytes(random, 200, |byte| byte >= 0x20 && byte != 0x7f);
                let value = [b"Basic ".as_slice(), &junk].concat();
                (
                    get(b"/v3/mail/send", &[(b"authorization", &value)]),
                    &[401, 403],
                )
            }
            7 => {
                let other = basic("somebody", "else");
                (
                    get(good.as_bytes(), &[(b"authorization", other.as_bytes())]),
                    &[403],
                )
            }
            8 => (
                get(format!("{good}&api_key=another").as_bytes(), &[]),
                &[403],
            ),
            9 => (get(format!("{good}&{credentials}").as_bytes(), &[]), &[200]),
            10 => {
                let (one, other) = (basic("one", "key"), basic("other", "key"));
                let headers = [
                    (b"authorization".as_slice(), one.as_bytes()),
                    (b"authorization", other.as_bytes()),
                ];
                (get(b"/v3/mail/send", &headers), &[403])
            }
            // Envoy joins two hosts into one that no product has.
            11 => {
                let twice = [
                    [
                        (b"content-length".as_slice(), b"1".as_slice()),
                        (b"content-length", b"2"),
                    ],
                    [
                        (b"content-length", b"3"),
                        (b"transfer-encoding", b"chunked"),
                    ],
                    [(b"host", b"127.0.0.1"), (b"host", b"other.example")],
                ];
                (
                    get(good.as_bytes(), &twice[random.random_range(0..3)]),
                    &[400, 404],
                )
            }
            12 => {
                let filler = "k=v&".repeat(random.random_range(500..12_000));
                (
                    get(
                        format!("/api/mail.send.json?{filler}{credentials}").as_bytes(),
                        &[],
                    ),
                    &[200],
                )
            }
            13 => (
                get(
                    format!(
                        "{good}&x={}",
                        "x".repeat(random.random_range(62_000..90_000))
                    )
                    .as_bytes(),
                    &[],
                ),
                &[431],
            ),
            14 => (
                get(
                    good.as_bytes(),
                    &[(
                        b"x-long",
                        "y".repeat(random.random_range(62_000..90_000)).as_bytes(),
                    )],
                ),
                &[431],
            ),
            // Not of blank lines only: for those Envoy would wait.
            15 => (
                [b"!".as_slice(), &bytes(random, 400, |_| true), b"\r\n\r\n"].concat(),
                &[400],
            ),
            16 => (form(&bytes(random, 8_000, |_| true), None), &[401, 403]),
            17 => {
                let junk = bytes(random, 4_000, |byte| byte != b'&');
                (
                    form(&[credentials.as_bytes(), b"&junk=", &junk].concat(), None),
                    &[200],
                )
            }
            18 => {
                let long = vec![b'z'; random.random_range(9_000..60_000)];
                (
                    form(&[credentials.as_bytes(), b"&x=", &long].concat(), None),
                    &[401],
                )
            }
            // Half a body and then the end: there is nobody left to answer.
            19 => (
                form(
                    credentials.as_bytes(),
                    Some(credentials.len() + random.random_range(1..4_000)),
                ),
                &[0],
            ),
            20 => (
                get(
                    format!(
                        "/api%2{}mail?{credentials}",
                        ["F", "f"][random.random_range(0..2)]
                    )
                    .as_bytes(),
                    &[],
                ),
                &[400],
            ),
            21 => {
                let hosts: [&[u8]; 8] = [
                    b"other.example",
                    b"127.0.0.1:99999",
                    b"127.0.0.1.",
                    b"",
                    b"[::1",
                    b"\xff\xfe",
                    b"a b",
                    b"%31%32%37",
                ];
                let headers = [(
                    b"host".as_slice(),
                    hosts[random.random_range(0..hosts.len())],
                )];
                (get(good.as_bytes(), &headers), &[200, 400, 404])
            }
            22 => {
                let version = [
                    "HTTP/1.0",
                    "HTTP/0.9",
                    "HTTP/2.0",
                    "HTTP/1.9",
                    "HTTPS/1.1",
                    "",
                ][random.random_range(0..6)];
                (
                    format!("GET {good} {version}\r\nhost: 127.0.0.1\r\n\r\n").into_bytes(),
                    &[400, 426],
                )
            }
            23 => {
                let long = "M".repeat(random.random_range(1..2_000));
                let method =
                    ["FOO", "get", "TRACE", "PROPFIND", long.as_str()][random.random_range(0..5)];
                let head = format!(
                    "{method} {good} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
                );
                (head.into_bytes(), &[200, 400])
            }
            24 => {
                let step = ["/../..", "/./.", "//", "/x/.."][random.random_range(0..4)];
                let path = format!(
                    "{}/api/mail.send.json?{credentials}",
                    step.repeat(random.random_range(1..300))
                );
                (get(path.as_bytes(), &[]), &[200])
            }
            _ => {
                let junk = bytes(random, 200, |byte| byte >= 0x20 && byte != 0x7f);
                let headers: [(&[u8], &[u8]); 4] = [
                    (b"x-tallygate-cluster", &junk),
                    (b"x-tallygate-debug", &junk),
                    (b"x-3scale-proxy-secret-token", &junk),
                    (b"content-type", &junk),
                ];
                (get(good.as_bytes(), &headers), &[200])
            }
        }
    }
}

impl fmt::Display for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.bytes[..self.bytes.len().min(600)];
        write!(
            f,
            "\"{}\" ({} bytes): {}",
            KINDS[self.kind],
            self.bytes.len(),
            shown.escape_ascii()
        )
    }
}

fn get(target: &[u8], headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut request = [b"GET ", target, b" HTTP/1.1\r\n"].concat();
    if !headers.iter().any(|(name, _)| *name == b"host") {
        request.extend_from_slice(b"host: 127.0.0.1\r\n");
    }
    for (name, value) in headers {
        request.extend_from_slice(&[*name, b": ", *value, b"\r\n"].concat());
    }
    request.extend_from_slice(b"connection: close\r\n\r\n");
    request
}

/// A POST whose length header says `length`, or the truth.
fn form(body: &[u8], length: Option<usize>) -> Vec<u8> {
    let length = length.unwrap_or(body.len());
    let head = format!(
        "POST /api/mail.send.json HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Up to `most` random bytes of those that `allowed` lets through.
fn bytes(random: &mut StdRng, most: usize, allowed: impl Fn(u8) -> bool) -> Vec<u8> {
    let length = random.random_range(0..most);
    let mut all = vec![0; length * 2];
    random.fill_bytes(&mut all);
    all.retain(|byte| allowed(*byte));
    all.truncate(length);
    all
}

/// What does not end the request line.
fn is_path(byte: u8) -> bool {
    !matches!(byte, b'\r' | b'\n' | b' ')
}
