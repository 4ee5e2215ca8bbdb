//! Passwords: how they are kept, checked, judged and made.
//!
//! A password is kept as an argon2id hash in PHC form, so that its parameters travel with it and an older hash can be
//! renewed at the next sign-in. Hashing is slow and hungry on purpose (19 MiB, about 40 ms), which makes it a way to
//! bring the server down; therefore [`Passwords`] lets as many hashes run as there are cores, lets a few wait, and
//! says [`Busy`] to the rest. Someone who is unknown costs exactly the same work as someone who is known: the typed
//! password is then checked against a hash that nobody knows the password of.

use crate::clock;
use argon2::password_hash::generate_salt;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// The least characters of a new password while there is no second factor.
pub const SHORTEST: usize = 15;
/// The most characters; a longer one is refused, never cut.
pub const LONGEST: usize = 128;
/// The most bytes, whatever the characters.
pub const LONGEST_BYTES: usize = 1_024;
/// How many may wait for a core before the next is told that the server is busy.
pub const QUEUE: usize = 16;

/// The cost of one hash. A value that is passed in: nothing chooses it behind the caller's back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Parameters {
    /// What production uses: argon2id, version 19, 19 MiB, two passes, one lane.
    pub const PRODUCTION: Parameters = Parameters { memory_kib: 19_456, passes: 2, lanes: 1 };

    fn params(self) -> Params {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(32))
            .expect("the parameters are within argon2's bounds")
    }
}

/// Too many passwords are being checked at this moment; ask again in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Too many sign-ins are being checked right now. Try again in a second.")
    }
}

impl std::error::Error for Busy {}

/// What the check of a typed password said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the right one, and its hash has today's parameters.
    Right,
    /// It is the right one, but its hash has older parameters: hash it again and keep that.
    RightButOld,
    /// It is not the right one, or there is nobody to whom it could belong.
    Wrong,
}

/// Hashes and checks passwords, a bounded number at a time.
#[derive(Debug)]
pub struct Passwords {
    parameters: Parameters,
    cores: Arc<Semaphore>,
    inside: AtomicUsize,
    room: usize,
    /// The hash of a password that nobody knows, for people who do not exist.
    nobody: String,
}

impl Passwords {
    /// `cores` hashes run at once (at least two), [`QUEUE`] more may wait.
    pub fn new(parameters: Parameters, cores: usize) -> Passwords {
        let cores = cores.max(2);
        Passwords {
            parameters,
            cores: Arc::new(Semaphore::new(cores)),
            inside: AtomicUsize::new(0),
            room: cores + QUEUE,
            nobody: hash_now(parameters, &clock::secret()),
        }
    }

    /// The hash of a new password, in PHC form.
    pub async fn hash(&self, password: &str) -> Result<String, Busy> {
        let (parameters, password) = (self.parameters, password.to_owned());
        self.work(move || hash_now(parameters, &password)).await
    }

    /// Whether `typed` is the password of `kept`. Without `kept` (unknown or disabled) the same work is done, and the
    /// answer is [`Verdict::Wrong`].
    pub async fn check(&self, typed: &str, kept: Option<&str>) -> Result<Verdict, Busy> {
        if typed.len() > LONGEST_BYTES {
            return Ok(Verdict::Wrong);
        }
        let known = kept.is_some();
        let (parameters, typed) = (self.parameters, typed.to_owned());
        let kept = kept.unwrap_or(&self.nobody).to_owned();
        let verdict = self.work(move || check_now(parameters, &typed, &kept)).await?;
        Ok(if known { verdict } else { Verdict::Wrong })
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let _place = Place::take(self)?;
        let permit = self.cores.clone().acquire_owned().await.expect("the semaphore is never closed");
        let job = tokio::task::spawn_blocking(move || {
            // The permit goes with the work: a dropped request must not let another hash start beside this one.
            let _permit = permit;
            job()
        });
        Ok(job.await.expect("hashing does not panic"))
    }
}

/// A place among those who are hashing or waiting; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(passwords: &'a Passwords) -> Result<Place<'a>, Busy> {
        let before = passwords.inside.fetch_add(1, Ordering::SeqCst);
        let place = Place(&passwords.inside);
        if before >= passwords.room { Err(Busy) } else { Ok(place) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The memory of one hash, given back to the machine when it is dropped.
///
/// The usual allocator (glibc's) remembers the largest block that it was given back, up to 32 MiB, and from then on keeps
/// blocks of that size to itself, on each thread anew: after twenty sign-ins the process held 250 MiB for good. A block
/// above that size comes from the kernel and goes back to it at once. So more is asked for than is used; what nobody
/// touches costs nothing.
fn memory(params: &Params) -> Vec<Block> {
    const ALWAYS_GIVEN_BACK: usize = 33 << 20;
    let blocks = params.block_count();
    let mut memory = Vec::with_capacity(blocks.max(ALWAYS_GIVEN_BACK / Block::SIZE));
    memory.resize(blocks, Block::new());
    memory
}

fn derive(algorithm: Algorithm, version: Version, params: &Params, password: &str, salt: &Salt) -> Option<Output> {
    let mut bytes = [0; Output::MAX_LENGTH];
    let out = bytes.get_mut(..params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN))?;
    let argon2 = Argon2::new(algorithm, version, params.clone());
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, memory(params)).ok()?;
    Output::new(out).ok()
}

fn hash_now(parameters: Parameters, password: &str) -> String {
    let (algorithm, version, params) = (Algorithm::Argon2id, Version::V0x13, parameters.params());
    let salt = Salt::new(&generate_salt()).expect("a salt of the recommended length");
    let hash = derive(algorithm, version, &params, password, &salt).expect("argon2 hashes any bytes");
    let params = ParamsString::try_from(&params).expect("the parameters fit");
    let (algorithm, version) = (algorithm.ident(), Some(version.into()));
    PasswordHash { algorithm, version, params, salt: Some(salt), hash: Some(hash) }.to_string()
}

/// Whether this is the password of a kept hash, whose own parameters say how it was made; nothing when it is no such hash.
fn is_right(typed: &str, kept: &PasswordHash) -> Option<bool> {
    let algorithm = Algorithm::try_from(kept.algorithm.as_str()).ok()?;
    let version = kept.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    let params = Params::try_from(kept).ok()?;
    let computed = derive(algorithm, version, &params, typed, kept.salt.as_ref()?)?;
    // Outputs are compared in constant time.
    Some(kept.hash.as_ref()? == &computed)
}

fn check_now(parameters: Parameters, typed: &str, kept: &str) -> Verdict {
    let Ok(kept) = PasswordHash::new(kept) else { return Verdict::Wrong };
    if is_right(typed, &kept) != Some(true) {
        return Verdict::Wrong;
    }
    let today = Params::try_from(&kept).is_ok_and(|p| {
        (p.m_cost(), p.t_cost(), p.p_cost()) == (parameters.memory_kib, parameters.passes, parameters.lanes)
    }) && kept.version == Some(u32::from(Version::V0x13))
        && kept.algorithm == Algorithm::Argon2id.ident();
    if today { Verdict::Right } else { Verdict::RightButOld }
}

/// Why a new password is not good enough; each sentence says what would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weak {
    TooShort,
    TooLong,
    Common,
}

impl fmt::Display for Weak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Weak::TooShort => {
                write!(f, "It is too short. Use at least {SHORTEST} characters; four random words do well.")
            }
            Weak::TooLong => write!(f, "It is too long. Use at most {LONGEST} characters."),
            Weak::Common => f.write_str(
                "It is easy to guess: a known password, a name of this place, or a repetition. Use four random words.",
            ),
        }
    }
}

/// Judges a new password. `own_words` are words that a guesser would try for this person: name, login, organisation.
/// There are no rules of composition: length and not being known are what counts.
pub fn judge(password: &str, own_words: &[&str]) -> Result<(), Weak> {
    let length = password.chars().count();
    if length > LONGEST || password.len() > LONGEST_BYTES {
        return Err(Weak::TooLong);
    }
    if length < SHORTEST {
        return Err(Weak::TooShort);
    }
    if is_common(password, own_words) { Err(Weak::Common) } else { Ok(()) }
}

/// Words that passwords here would be built from: none of them counts, however many there are.
const COMMON: &str = include_str!("common_passwords.txt");
/// Whole passwords that guessers try first, the most used before the others; `known_passwords.LICENSE` says whose list.
const KNOWN: &str = include_str!("known_passwords.txt");

/// Whether little is left once known words, digits and signs are taken away, or it is known, or a short thing repeated.
fn is_common(password: &str, own_words: &[&str]) -> bool {
    let folded = folded(password);
    let plain: String = folded.chars().map(unleet).collect();
    if is_known(&folded) {
        return true;
    }
    let distinct: std::collections::BTreeSet<char> = folded.chars().collect();
    if distinct.len() < 5 {
        return true;
    }
    let mut words: Vec<String> = COMMON.lines().map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect();
    words.extend(own_words.iter().flat_map(|w| w.split(|c: char| !c.is_alphanumeric())).map(str::to_lowercase));
    words.retain(|w| w.chars().count() >= 3);
    // Longest first, so that "password" goes before "pass".
    words.sort_by_key(|w| std::cmp::Reverse(w.len()));
    let strip = |text: &str| {
        let mut rest = text.to_owned();
        for word in &words {
            rest = rest.replace(word.as_str(), "");
        }
        rest.chars().filter(|c| c.is_alphabetic()).count()
    };
    strip(&folded).min(strip(&plain)) < 4
}

fn folded(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Fifteen characters are reached from a short password by writing it twice, by a second one after it, or by digits around
/// and between them. Three known passwords in a row are let pass: so short a word is part of many a good phrase.
fn is_known(folded: &str) -> bool {
    let known: std::collections::HashSet<String> =
        KNOWN.lines().map(self::folded).filter(|known| known.len() >= 3).collect();
    let letters: String = folded.chars().filter(|c| !c.is_numeric()).collect();
    let unleeted = |text: &str| text.chars().map(unleet).collect::<String>();
    let trimmed = folded.trim_matches(char::is_numeric);
    let shapes = [folded.to_owned(), trimmed.to_owned(), unleeted(folded), unleeted(trimmed), letters];
    shapes.iter().filter(|shape| shape.len() >= 4).any(|shape| {
        let splits = || shape.char_indices().map(|(at, _)| shape.split_at(at));
        is_repeated(shape) || known.contains(shape) || splits().any(|(a, b)| known.contains(a) && known.contains(b))
    })
}

/// The same again and again, at least twice; the last time may be cut short.
fn is_repeated(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    (1..=letters.len() / 2).any(|period| letters[period..].iter().zip(&letters).all(|(later, first)| later == first))
}

fn unleet(c: char) -> char {
    match c {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        other => other,
    }
}

/// A password for a sample person, or a first one to hand over: four groups of five, a hundred bits, no letter that
/// looks like another.
pub fn generate() -> String {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let bytes = Sha256::digest(clock::secret().as_bytes());
    let letters: Vec<char> = bytes.iter().take(20).map(|b| char::from(LETTERS[usize::from(b % 32)])).collect();
    letters.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Parameters = Parameters { memory_kib: 64, passes: 1, lanes: 1 };

    #[tokio::test]
    async fn the_kept_hash_names_the_production_parameters() {
        let passwords = Passwords::new(Parameters::PRODUCTION, 2);
        let kept = passwords.hash("correct horse battery staple").await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_eq!(passwords.check("correct horse battery staple", Some(&kept)).await, Ok(Verdict::Right));
        assert_eq!(passwords.check("correct horse battery stapl", Some(&kept)).await, Ok(Verdict::Wrong));
    }

    #[test]
    fn the_hash_is_the_one_that_any_argon2_makes_and_reads() {
        use argon2::password_hash::{PasswordHasher, PasswordVerifier};
        let theirs = Argon2::new(Algorithm::Argon2id, Version::V0x13, CHEAP.params());
        let made = theirs.hash_password(b"correct horse battery staple").unwrap().to_string();
        assert_eq!(check_now(CHEAP, "correct horse battery staple", &made), Verdict::Right);
        assert_eq!(check_now(CHEAP, "correct horse battery stapl", &made), Verdict::Wrong);
        let ours = hash_now(CHEAP, "correct horse battery staple");
        assert_eq!(ours.len(), made.len(), "{ours} {made}");
        let ours = PasswordHash::new(&ours).unwrap();
        assert_eq!(theirs.verify_password(b"correct horse battery staple", &ours), Ok(()));
        assert!(theirs.verify_password(b"correct horse battery stapl", &ours).is_err());
        for broken in ["", "x", "$argon2id$v=19$m=64,t=1,p=1", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA"] {
            assert_eq!(check_now(CHEAP, "", broken), Verdict::Wrong, "{broken}");
        }
    }

    #[tokio::test]
    async fn an_older_hash_is_right_but_asks_to_be_renewed() {
        let old = Passwords::new(CHEAP, 2).hash("correct horse battery staple").await.unwrap();
        let today = Passwords::new(Parameters { passes: 2, ..CHEAP }, 2);
        assert_eq!(today.check("correct horse battery staple", Some(&old)).await, Ok(Verdict::RightButOld));
    }

    #[tokio::test]
    async fn nobody_has_no_password_and_an_over_long_one_is_not_hashed() {
        let passwords = Passwords::new(CHEAP, 2);
        assert_eq!(passwords.check("anything at all here", None).await, Ok(Verdict::Wrong));
        let kept = passwords.hash(&"x".repeat(2_000)).await.unwrap();
        assert_eq!(passwords.check(&"x".repeat(2_000), Some(&kept)).await, Ok(Verdict::Wrong));
    }

    #[tokio::test]
    async fn beyond_the_cores_and_the_queue_the_answer_is_busy() {
        let passwords = Arc::new(Passwords::new(CHEAP, 2));
        let held = passwords.cores.clone().acquire_many_owned(2).await.unwrap();
        let waiting: Vec<_> = (0..2 + QUEUE)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.check("x", None).await })
            })
            .collect();
        while passwords.inside.load(Ordering::SeqCst) < 2 + QUEUE {
            tokio::task::yield_now().await;
        }
        assert_eq!(passwords.check("x", None).await, Err(Busy));
        drop(held);
        for one in waiting {
            assert_eq!(one.await.unwrap(), Ok(Verdict::Wrong));
        }
        assert_eq!(passwords.check("x", None).await, Ok(Verdict::Wrong), "the places were given back");
    }

    #[test]
    fn new_passwords_are_judged_by_length_and_by_being_known() {
        assert_eq!(judge("fourteen chars", &[]), Err(Weak::TooShort));
        assert_eq!(judge(&"ab cd ef".repeat(17), &[]), Err(Weak::TooLong));
        assert_eq!(judge(&"日本語".repeat(42), &[]), Err(Weak::Common), "three letters repeated");
        assert_eq!(judge("Password12345678!", &[]), Err(Weak::Common));
        assert_eq!(judge("P4ssw0rdP4ssw0rd", &[]), Err(Weak::Common));
        assert_eq!(judge("backout-rollback-2026", &[]), Err(Weak::Common));
        assert_eq!(judge("maya.okafor.1999!", &["Maya Okafor"]), Err(Weak::Common));
        assert_eq!(judge("aaaaaaaaaaaaaaaaaaaa", &[]), Err(Weak::Common));
        assert_eq!(judge("correct horse battery staple", &["Maya Okafor"]), Ok(()));
    }

    #[test]
    fn what_guessers_try_first_is_refused_whole_written_twice_paired_and_padded() {
        assert!(KNOWN.lines().count() >= 3_000 && KNOWN.lines().any(|known| known == "trustno1"));
        for easy in [
            // As long as is asked for, and in the list as it stands.
            "1qaz2wsx3edc4rfv",
            "q1w2e3r4t5y6u7i8",
            "momsanaladventure",
            // A known one made long enough.
            "trustno1trustno1",
            "Trustno1-Trustno1!",
            "chevelle20242025",
            "2019chevelle2020",
            "Ch3v3ll3-Rang3rs",
            "chevelle1988rangers",
            "Chevelle Rangers 99",
            // Not known, but short, and written more than once.
            "xk7qpv2xk7qpv2xk7",
        ] {
            assert_eq!(judge(easy, &[]), Err(Weak::Common), "{easy}");
        }
        for good in ["chevelle walks over quiet ice", "tulip anvil copper harbour", "xk7qpv2wm4zr9tb"] {
            assert_eq!(judge(good, &[]), Ok(()), "{good}");
        }
    }

    /// Every password that is known and long enough is refused, and so is every shorter one, twice.
    #[test]
    fn no_known_password_passes_by_itself_or_doubled() {
        for known in KNOWN.lines().step_by(97) {
            let doubled = known.repeat(SHORTEST.div_ceil(known.len()).max(2));
            for password in [known, &doubled] {
                assert!(judge(password, &[]).is_err(), "{password}");
            }
        }
    }

    #[test]
    fn generated_passwords_are_readable_strong_and_never_the_same() {
        let one = generate();
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [5, 5, 5, 5]);
        assert_eq!(judge(&one, &[]), Ok(()));
        assert_ne!(one, generate());
    }
}
