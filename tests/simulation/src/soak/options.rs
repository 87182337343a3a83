//! What the command line says.

use tallygate_simulation::{Kind, Mutation};

pub(crate) const USAGE: &str = "\
tallygate-soak                    run schedules until Ctrl-C, or until one goes wrong
tallygate-soak --seed N --trace   replay a schedule and say what happens in it

  --kind NAME     schedules of one kind; `list` names them all
  --mutation NAME get the protocol wrong in this way; `list` names them all
  --from N        begin with this seed (default: 1)
  --schedules N   stop after so many
  --workers N     in so many threads (default: all cores)
  --go-on         go on when one goes wrong";

/// What to do, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) what: What,
    pub(crate) trace: bool,
    pub(crate) kind: Option<Kind>,
    pub(crate) mutation: Option<Mutation>,
    pub(crate) first: u64,
    pub(crate) schedules: Option<u64>,
    pub(crate) workers: Option<usize>,
    pub(crate) goes_on: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum What {
    #[default]
    Soak,
    Replay(u64),
    Help,
}

impl Options {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            first: 1,
            ..Self::default()
        };
        while let Some(word) = words.next() {
            let mut number = || {
                let number = words.next().and_then(|word| word.parse::<u64>().ok());
                number.ok_or_else(|| format!("{word} wants a number"))
            };
            match word.as_str() {
                "--seed" => options.what = What::Replay(number()?),
                "--from" => options.first = number()?,
                "--schedules" => options.schedules = Some(number()?),
                "--workers" => options.workers = usize::try_from(number()?).ok(),
                "--trace" => options.trace = true,
                "--kind" => {
                    let name = words.next().unwrap_or_default();
                    options.kind = Some(kind(&name)?);
                }
                "--go-on" => options.goes_on = true,
                "--mutation" => {
                    let name = words.next().unwrap_or_default();
                    options.mutation = Some(mutation(&name)?);
                }
                "--help" | "-h" => options.what = What::Help,
                _ => return Err(format!("what is {word}?")),
            }
        }
        Ok(options)
    }

    /// The seed not to run any more.
    pub(crate) fn last(&self) -> Option<u64> {
        Some(self.first.saturating_add(self.schedules?))
    }
}

fn kind(name: &str) -> Result<Kind, String> {
    let mut all = Kind::ALL.iter();
    all.find(|kind| kind.name() == name)
        .copied()
        .ok_or_else(|| {
            let names: Vec<&str> = Kind::ALL.iter().map(|it| it.name()).collect();
            format!("kinds are: {}", names.join(", "))
        })
}

fn mutation(name: &str) -> Result<Mutation, String> {
    let mut all = Mutation::ALL.iter();
    all.find(|mutation| mutation.name() == name)
        .copied()
        .ok_or_else(|| {
            let names: Vec<&str> = Mutation::ALL.iter().map(|it| it.name()).collect();
            format!("mutations are: {}", names.join(", "))
        })
}
