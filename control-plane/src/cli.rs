//! What the command line offers, and what each command prints.

use anyhow::{Context as _, bail};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tallygate::app::App;
use tallygate::config::{self, DatabaseConfig, LogConfig, LogFormat, ServerConfig};
use tallygate::db::Db;
use tallygate::error::Error;
use tallygate::openapi::compare::Published;
use tallygate::secrets::installation;
use tallygate::{
    admin_api, catalogue, demo, gateway_config, openapi, portal, provider, restore, serve,
};

/// API management at the edge: plans, keys and limits decided inside Envoy.
#[derive(Debug, Parser)]
#[command(name = "tallygate", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    log: LogConfig,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the portal, the Account Management API and the gateways.
    Serve(Serve),
    /// Bring the database's schema up to date.
    Migrate(DatabaseConfig),
    /// Begin a new epoch of the ledger: run it once after restoring a backup of the database, while no server runs.
    Restore(Restore),
    /// The installation's provider.
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Access tokens for the Account Management API.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print the Envoy bootstrap of one more gateway for a running installation.
    GatewayConfig(gateway_config::Args),
    /// Make products, plans and limits as a file says.
    Apply(catalogue::Apply),
    /// Print products, plans and limits as a file for `apply`.
    Export(catalogue::Export),
    /// Make a file for `apply` of something else.
    #[command(subcommand)]
    Import(ImportCommand),
    /// A whole installation on this machine, with a demo provider, in the foreground.
    Demo(demo::Args),
    /// Print the OpenAPI document of the API for providers.
    Openapi(Openapi),
    /// Ask a running server whether it is well; for container health checks.
    Healthcheck(Healthcheck),
}

#[derive(Args, Debug)]
struct Serve {
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    server: ServerConfig,
    /// Do not bring the schema up to date; refuse to start when it is not.
    #[arg(long)]
    no_migrate: bool,
}

#[derive(Args, Debug)]
struct Restore {
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Subcommand)]
enum ProviderCommand {
    /// Make the provider of an empty installation, and print its credentials once.
    Create(ProviderCreate),
}

#[derive(Args, Debug)]
struct ProviderCreate {
    #[command(flatten)]
    database: DatabaseConfig,
    /// The provider's name, shown to developers.
    #[arg(long, value_parser = filled)]
    name: String,
    /// Where developers may write to.
    #[arg(long, value_parser = email)]
    email: String,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make an access token, and print it once.
    Create(TokenCreate),
}

#[derive(Args, Debug)]
struct TokenCreate {
    #[command(flatten)]
    database: DatabaseConfig,
    /// What it is for.
    #[arg(long, value_parser = filled)]
    name: String,
    /// What it may touch.
    #[arg(long, value_delimiter = ',', required = true, value_parser = clap::builder::PossibleValuesParser::new(admin_api::auth::SCOPES))]
    scopes: Vec<String>,
    /// Whether it may change anything.
    #[arg(long, default_value = "ro")]
    permission: TokenPermission,
    /// Whose it is: the username of one of the provider's users [default: the first admin].
    #[arg(long, value_parser = filled)]
    user: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TokenPermission {
    /// Read only.
    Ro,
    /// Read and write.
    Rw,
}

#[derive(Debug, Subcommand)]
enum ImportCommand {
    /// Methods and mapping rules from a description of an API.
    Openapi(catalogue::ImportOpenapi),
}

#[derive(Args, Debug)]
struct Openapi {
    /// Print a page that puts the document beside these operations of 3scale instead.
    #[arg(long, value_name = "FILE")]
    beside: Option<PathBuf>,
    /// Print what templates of the portal may say instead.
    #[arg(long, conflicts_with = "beside")]
    liquid: bool,
}

#[derive(Args, Debug)]
struct Healthcheck {
    /// For example `http://127.0.0.1:3001/readyz`.
    url: String,
}

impl Cli {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        start_logging(&self.log)?;
        match self.command {
            Command::Serve(args) => run_serve(args).await,
            Command::Migrate(database) => {
                connect(&database).await?.migrate().await?;
                say("The database is up to date.")
            }
            Command::Restore(args) => run_restore(args).await,
            Command::Provider(ProviderCommand::Create(args)) => create_provider(args).await,
            Command::Token(TokenCommand::Create(args)) => create_token(args).await,
            Command::GatewayConfig(args) => say(gateway_config::run(&args).await?.trim_end()),
            Command::Apply(args) => catalogue::apply(&args).await,
            Command::Export(args) => say(catalogue::export(&args).await?.trim_end()),
            Command::Import(ImportCommand::Openapi(args)) => import_openapi(&args),
            Command::Demo(args) => demo::run(args).await,
            Command::Openapi(args) => describe(&args),
            Command::Healthcheck(args) => healthcheck(&args.url).await,
        }
    }
}

/// Prints what is wrong with the command line, or the help that was asked for. Says which variable a setting
/// comes from: who sets it there does not know the flag.
pub(crate) fn misused(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    let mut command = Cli::command();
    // Only a built command knows how its flags are written.
    command.build();
    if let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg)
        && let Some(variable) = variable_of(&command, flag)
    {
        let _ = writeln!(std::io::stderr(), "It is also set by {variable}.");
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// The variable behind a flag, which clap calls `--flag <VALUE>`.
fn variable_of(command: &clap::Command, flag: &str) -> Option<String> {
    let own = command
        .get_arguments()
        .find(|arg| arg.to_string() == flag)
        .and_then(|arg| arg.get_env())
        .and_then(|name| name.to_str().map(str::to_owned));
    own.or_else(|| {
        command
            .get_subcommands()
            .find_map(|sub| variable_of(sub, flag))
    })
}

/// Prints why, and what caused it.
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    if error.is::<catalogue::Differs>() {
        return ExitCode::from(3);
    }
    let _ = writeln!(std::io::stderr(), "error: {error:#}");
    ExitCode::FAILURE
}

async fn run_serve(args: Serve) -> anyhow::Result<()> {
    for name in config::unknown_variables(&known_variables()) {
        tracing::warn!(name, "an environment variable that sets nothing");
    }
    let db = connect(&args.database).await?;
    if args.no_migrate {
        db.check_schema().await?;
    } else {
        db.migrate().await?;
    }
    let secrets = installation::open(&db, &args.database).await?;
    if !provider::exists(&db).await? {
        tracing::warn!(
            "this installation has no provider: make one with \
             `tallygate provider create --name NAME --email ADDRESS`"
        );
    }
    let app = App::new(db, args.server.resolve()?, secrets);
    // Listening for signals from here on: none may end the process halfway through starting.
    let stop = serve::signal()?;
    serve::serve(
        app,
        args.server.portal_listen,
        args.server.admin_listen,
        stop,
    )
    .await
}

async fn run_restore(args: Restore) -> anyhow::Result<()> {
    let db = connect(&args.database).await?;
    // The backup may be of an older version.
    db.migrate().await?;
    let restored = restore::restore(&db)
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    db.close().await;
    let last_report = restored
        .last_report_at
        .and_then(|at_ms| jiff::Timestamp::from_millisecond(at_ms).ok())
        .map_or_else(|| "never".into(), |at| format!("{at:.0}"));
    say(&format!(
        "The ledger has begun a new epoch.

  epoch           {} (before: {})
  carried over    {} leases of {} gateway processes
  last report     {last_report}, as far as the backup knows

What this means:

  Usage that gateways had reported after the backup was made is lost. What they still keep comes in when the server
  runs again, each batch once.
  Limits: open windows may be passed by what was used after the backup, and not by more.
  For {} seconds after the first gateway calls nothing is granted, so that all of them can say what they hold. They
  spend it meanwhile; requests without credit are answered 503 with Retry-After.

Start the server now: `tallygate serve`",
        restored.epoch,
        restored.before,
        restored.leases,
        restored.instances,
        tallygate_core::lease::TTL_MS / 1000,
    ))
}

async fn create_provider(args: ProviderCreate) -> anyhow::Result<()> {
    let db = connect(&args.database).await?;
    db.migrate().await?;
    let secrets = installation::open(&db, &args.database).await?;
    let created = provider::create(&db, &secrets, &args.name, &args.email)
        .await
        .map_err(|error| anyhow::anyhow!(error.public_message()))?;
    db.close().await;
    say(&format!(
        "{} is set up. These are shown once, so keep them now:

  provider key    {}
  access token    {}
  console login   {} / {}

Try it, with `tallygate serve` running:

  curl \"http://127.0.0.1:3001/admin/api/services.json?access_token={}\"",
        args.name,
        created.provider_key.reveal(),
        created.access_token.reveal(),
        created.username,
        created.password.reveal(),
        created.access_token.reveal(),
    ))
}

async fn create_token(args: TokenCreate) -> anyhow::Result<()> {
    let db = connect(&args.database).await?;
    db.check_schema().await?;
    if !provider::exists(&db).await? {
        bail!("there is no provider yet: make one with `tallygate provider create`");
    }
    let permission = match args.permission {
        TokenPermission::Ro => "ro",
        TokenPermission::Rw => "rw",
    };
    let scopes = args.scopes.join(",");
    let user = args.user.as_deref();
    let token = provider::create_token_of(&db, user, &args.name, &scopes, permission)
        .await
        .map_err(|error| match (error, user) {
            (Error::NotFound, Some(user)) => {
                anyhow::anyhow!("the provider has no user called {user}")
            }
            (error, _) => error.into(),
        })?;
    db.close().await;
    say(token.reveal())
}

fn import_openapi(args: &catalogue::ImportOpenapi) -> anyhow::Result<()> {
    let proposal = catalogue::import_openapi(args)?;
    for note in &proposal.notes {
        writeln!(std::io::stderr(), "note: {note}")?;
    }
    say(proposal.yaml.trim_end())
}

fn describe(args: &Openapi) -> anyhow::Result<()> {
    if args.liquid {
        return say(portal::pages::document().trim_end());
    }
    let Some(file) = &args.beside else {
        return say(&serde_json::to_string_pretty(&openapi::document())?);
    };
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let published = Published::read(&text).with_context(|| file.display().to_string())?;
    say(published.table().trim_end())
}

/// A GET, by hand: a whole HTTP client would be a lot for one status line.
async fn healthcheck(url: &str) -> anyhow::Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let uri: axum::http::Uri = url
        .parse()
        .with_context(|| format!("{url} is no address"))?;
    let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
        bail!("{url} must begin with http://");
    };
    let address = (host.trim_matches(['[', ']']), uri.port_u16().unwrap_or(80));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(4096).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = tokio::time::timeout(Duration::from_secs(5), ask)
        .await
        .with_context(|| format!("{url} did not answer within 5 seconds"))?
        .with_context(|| format!("asking {url}"))?;
    let status = answer.split(' ').nth(1).unwrap_or("nothing");
    if status != "200" {
        bail!("{url} answered {status}");
    }
    say("ok")
}

async fn connect(database: &DatabaseConfig) -> anyhow::Result<Db> {
    Db::connect(&database.database_url, database.database_connections).await
}

fn start_logging(log: &LogConfig) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&log.log)?;
    let terminal = std::io::stderr().is_terminal();
    let format = log.log_format.unwrap_or(if terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.with_ansi(terminal).with_target(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}

/// Every variable that any command reads.
fn known_variables() -> Vec<String> {
    fn collect(command: &clap::Command, names: &mut Vec<String>) {
        let own = command.get_arguments().filter_map(|arg| arg.get_env());
        names.extend(own.filter_map(|name| name.to_str().map(str::to_owned)));
        for sub in command.get_subcommands() {
            collect(sub, names);
        }
    }
    let mut names = Vec::new();
    collect(&Cli::command(), &mut names);
    names
}

fn filled(value: &str) -> Result<String, String> {
    let value = value.trim();
    if value.is_empty() || value.len() > 255 || value.contains(char::is_control) {
        Err("must be a text of 1 to 255 characters".into())
    } else {
        Ok(value.into())
    }
}

fn email(value: &str) -> Result<String, String> {
    let value = filled(value)?;
    match value.split_once('@') {
        Some((local, domain))
            if !local.is_empty() && !domain.is_empty() && !value.contains(' ') =>
        {
            Ok(value)
        }
        _ => Err("must be an e-mail address".into()),
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("writing to the standard output")
}
