//! The commands: what they take and what they print.

use super::deploy::{Deployed, Reach, deploy};
use super::diff::{Plan, Prune, check_references, diff};
use super::execute::Executor;
use super::kind::Kind;
use super::paint::{Paint, Tone, When};
use super::server::Scope;
use super::tree::{Path, Resource};
use super::write::Detail;
use super::{openapi, read, report, server, show, write};
use crate::admin_client::AdminClient;
use anyhow::Context as _;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

/// Where to, and who.
#[derive(Debug, clap::Args)]
struct Target {
    /// The control plane's admin address
    #[arg(long, value_name = "URL", env = "TALLYGATE_ADMIN_URL")]
    admin_url: String,

    /// An access token with the scope `account_management`; `rw` for changes
    #[arg(
        long,
        value_name = "TOKEN",
        env = "TALLYGATE_ACCESS_TOKEN",
        hide_env_values = true
    )]
    access_token: String,
}

/// `tallygate apply`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 when everything is as the file says, 1 when something went wrong, \
    2 when the command line is wrong, 3 when --dry-run found differences."
)]
pub struct Apply {
    /// The catalogue, in YAML or JSON; - for the standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,

    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,

    /// Delete what the file does not name beside what it names: plans, limits, methods, rules
    #[arg(long)]
    prune: bool,

    /// Delete also whole products and backends that the file does not name; applications end with their product
    #[arg(long)]
    prune_products: bool,

    /// Then deploy the file's products: staging gateways follow them
    #[arg(long)]
    deploy: bool,

    /// Then deploy and promote the file's products: production gateways follow them
    #[arg(long)]
    promote: bool,

    /// Print JSON, for programs
    #[arg(long)]
    json: bool,

    /// When to colour
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    color: When,

    #[command(flatten)]
    target: Target,
}

/// `tallygate export`.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// Only this product, by system name; may be given several times
    #[arg(long = "product", value_name = "NAME")]
    products: Vec<String>,

    /// Write every field, also those that a new product has anyway
    #[arg(long)]
    full: bool,

    #[command(flatten)]
    target: Target,
}

/// `tallygate import openapi`.
#[derive(Debug, clap::Args)]
pub struct ImportOpenapi {
    /// Swagger 2 or OpenAPI 3, in YAML or JSON; - for the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The product's system name [default: made of the title]
    #[arg(long, value_name = "NAME", value_parser = system_name)]
    product: Option<String>,

    /// What becomes a method
    #[arg(long, value_enum, default_value = "operation", value_name = "WHAT")]
    methods: openapi::Grouping,
}

/// `--dry-run` found differences: the exit status says so, nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Differs;

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the installation differs from the file")
    }
}

impl std::error::Error for Differs {}

/// Makes the installation as the file says.
///
/// # Errors
/// When the file is wrong, the server refuses, or a dry run found differences ([`Differs`]).
pub async fn apply(args: &Apply) -> anyhow::Result<()> {
    let (text, file) = text_of(&args.file)?;
    let wanted = read::read(&text).map_err(|faults| faults.into_error(&file))?;
    let client = AdminClient::new(&args.target.admin_url, &args.target.access_token)?;
    let there = server::read(&client, Scope::Of(&wanted)).await?;
    check_references(&wanted, &there, args.prune()).map_err(|faults| faults.into_error(&file))?;
    let plan = diff(&wanted, &there, args.prune());
    let paint = Paint::stdout(args.color);
    if !args.json {
        print(&show::changes(&plan, paint))?;
    }
    if args.dry_run {
        return dry_run(args, &plan, paint, &file);
    }
    let mut executor = Executor::new(&client, &there);
    let made = make(&mut executor, &plan).await;
    let mut deployed = Vec::new();
    let outcome = match made.error {
        Some(error) => Err(error),
        None => deploy_all(&executor, &client, &wanted, args.reach(), &mut deployed).await,
    };
    if args.json {
        let report = report::report(&plan, made.count, &deployed);
        print(&format!("{report:#}\n"))?;
    } else if outcome.is_ok() {
        print(&done(args, &plan, &deployed, paint, &file))?;
    }
    outcome
}

fn dry_run(args: &Apply, plan: &Plan, paint: Paint, file: &str) -> anyhow::Result<()> {
    if args.json {
        print(&format!("{:#}\n", report::report(plan, 0, &[])))?;
    } else {
        let count = show::count(plan, ["to make", "to change", "to delete"]);
        let count = match count.as_str() {
            "" => format!("Nothing to do: everything is as {file} says."),
            count => format!("\n{count}. Nothing was changed: this is a dry run."),
        };
        print(&(paint.paint(Tone::Strong, &count) + "\n"))?;
        print(&show::left_alone(&plan.left_alone, paint))?;
    }
    if plan.changes.is_empty() {
        Ok(())
    } else {
        Err(Differs.into())
    }
}

struct Made {
    count: usize,
    error: Option<anyhow::Error>,
}

async fn make(executor: &mut Executor<'_>, plan: &Plan) -> Made {
    for (count, change) in plan.changes.iter().enumerate() {
        if let Err(error) = executor.make(change).await {
            let of = plan.changes.len();
            let words = format!(
                "{count} of {of} changes are made, and the next one failed. Apply the file again \
                 when that is put right: it goes on from here"
            );
            let error = match change.at {
                Some(at) => error.context(format!("line {}", at.line)),
                None => error,
            };
            let error = Some(error.context(words));
            return Made { count, error };
        }
    }
    Made {
        count: plan.changes.len(),
        error: None,
    }
}

async fn deploy_all(
    executor: &Executor<'_>,
    client: &AdminClient,
    wanted: &Resource,
    reach: Reach,
    deployed: &mut Vec<Deployed>,
) -> anyhow::Result<()> {
    for product in wanted.all(Kind::Product) {
        let id = executor.id(&Path::default().join(Kind::Product, &product.name))?;
        deployed.extend(deploy(client, &product.name.to_string(), id, reach).await?);
    }
    Ok(())
}

fn done(args: &Apply, plan: &Plan, deployed: &[Deployed], paint: Paint, file: &str) -> String {
    let count = show::count(plan, ["made", "changed", "deleted"]);
    let count = match count.as_str() {
        "" => format!("Nothing to do: everything is as {file} says."),
        count => format!("\nDone: {count}."),
    };
    let mut out = paint.paint(Tone::Strong, &count) + "\n";
    for deployed in deployed {
        out += &format!("{}.\n", deployed.sentence());
    }
    let is_draft = |kind: Kind| kind.is_draft();
    if args.reach() == Reach::Draft && plan.changes.iter().any(|it| is_draft(it.kind())) {
        out += "Addresses and rules are drafts until they are deployed: --deploy for staging, \
                --promote for production too.\n";
    }
    out + &show::left_alone(&plan.left_alone, paint)
}

/// The installation as a file.
///
/// # Errors
/// When the server cannot be reached or refuses, or there is no such product.
pub async fn export(args: &Export) -> anyhow::Result<String> {
    let client = AdminClient::new(&args.target.admin_url, &args.target.access_token)?;
    let detail = match args.full {
        true => Detail::Full,
        false => Detail::Brief,
    };
    let catalogue = if args.products.is_empty() {
        server::read(&client, Scope::All).await?
    } else {
        let mut wanted = Resource::new(Kind::Catalogue, super::tree::Name::Only);
        let products = args
            .products
            .iter()
            .map(|name| Resource::new(Kind::Product, super::tree::Name::System(name.clone())));
        wanted.groups.push((Kind::Product, products.collect()));
        let mut there = server::read(&client, Scope::Of(&wanted)).await?;
        for name in &args.products {
            there
                .find(Kind::Product, name)
                .with_context(|| format!("there is no product {name}"))?;
        }
        there.groups.retain(|(kind, _)| *kind == Kind::Product);
        for (_, products) in &mut there.groups {
            products.retain(|product| args.products.iter().any(|name| product.name.is(name)));
        }
        there
    };
    Ok(write::write(&catalogue, detail))
}

/// A catalogue of what a description of an API says.
///
/// # Errors
/// When it is none, or says too little.
pub fn import_openapi(args: &ImportOpenapi) -> anyhow::Result<openapi::Proposal> {
    let (text, file) = text_of(&args.file)?;
    openapi::propose(&text, &file, args.product.as_deref(), args.methods)
}

// === impl Apply ===

impl Apply {
    fn prune(&self) -> Prune {
        match (self.prune_products, self.prune) {
            (true, _) => Prune::Whole,
            (false, true) => Prune::Within,
            (false, false) => Prune::Nothing,
        }
    }

    fn reach(&self) -> Reach {
        match (self.promote, self.deploy) {
            (true, _) => Reach::Production,
            (false, true) => Reach::Staging,
            (false, false) => Reach::Draft,
        }
    }
}

/// The file's text, and what to call it.
fn text_of(file: &std::path::Path) -> anyhow::Result<(String, String)> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("reading the standard input")?;
        return Ok((text, "the standard input".into()));
    }
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {name}"))?;
    Ok((text, name))
}

fn system_name(name: &str) -> Result<String, String> {
    match crate::names::check(name) {
        Ok(()) => Ok(name.to_owned()),
        Err(message) => Err(message.to_owned()),
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("writing to the standard output")
}
