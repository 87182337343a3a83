//! `GET /plans`: what is sold, side by side.

use super::applications::make;
use super::visitor::Visitor;
use crate::admin_api::access::Products;
use crate::admin_api::page::Page;
use crate::applications::self_service::published_plans;
use crate::db::Tx;
use crate::drop;
use crate::drops::{self, PlanDrop, ServiceDrop};
use crate::error::Error;
use crate::store::applications::{self as rows, Application};
use crate::store::products::{self, ProductRow};
use crate::store::settings;
use axum::response::Response;

drop! {
    /// A plan, and how the reader comes to it.
    pub struct OfferedPlanDrop as "offered_plan" {
        /// The plan.
        plan: PlanDrop,
        /// Whether one of the reader's applications is on it.
        is_taken: bool,
        /// The path that leads to it, if there is a way.
        url: Option<String>,
    }
}

drop! {
    /// One line of a comparison: a limit, a feature, a price.
    pub struct ComparedDrop as "compared" {
        /// What is compared.
        name: String,
        /// What each plan has of it, in the order of the plans; blank when nothing.
        cells: Vec<String>,
    }
}

drop! {
    /// An API with its plans.
    pub struct ServicePlansDrop as "service_plans" {
        /// The API.
        service: ServiceDrop,
        /// Its published plans.
        plans: Vec<OfferedPlanDrop>,
        /// Their limits and prices, metric by metric.
        limits: Vec<ComparedDrop>,
        /// Their features, one by one; a plan that has it says `yes`.
        features: Vec<ComparedDrop>,
    }
}

drop! {
    /// Plans side by side.
    pub struct PlansPage as "plans" {
        /// APIs that have published plans.
        services: Vec<ServicePlansDrop>,
    }
}

/// Plans side by side.
///
/// # Errors
/// When the database does not answer.
pub async fn plans(visitor: Visitor) -> Result<Response, Error> {
    let mut tx = visitor.app.db.read().await?;
    let everything = Page {
        number: 1,
        size: 500,
    };
    let reader = Reader::of(&mut tx, &visitor).await?;
    let mut services = Vec::new();
    for product in products::list(&mut tx, &Products::All, everything).await?.0 {
        let mut plans = Vec::new();
        for plan in published_plans(&mut tx, product.id).await? {
            let plan = drops::plan(&mut tx, &plan).await?;
            plans.push(OfferedPlanDrop {
                is_taken: reader.is_on(plan.id),
                url: reader.way_to(&product, plan.id),
                plan,
            });
        }
        if !plans.is_empty() {
            services.push(ServicePlansDrop {
                service: ServiceDrop::from(&product),
                limits: limits(&plans),
                features: features(&plans),
                plans,
            });
        }
    }
    drop(tx);
    visitor
        .page("plans", "Plans", &PlansPage { services })
        .await
}

/// Who looks at the plans, as far as it matters.
enum Reader {
    /// Nobody that is known, who may sign up or not.
    Anybody { may_sign_up: bool },
    /// A developer, with these applications, who may make more for these products.
    Developer {
        applications: Vec<Application>,
        offers: Vec<i64>,
    },
}

impl Reader {
    async fn of(tx: &mut Tx, visitor: &Visitor) -> Result<Self, Error> {
        let Some(account) = visitor.account() else {
            return Ok(Self::Anybody {
                may_sign_up: settings::get(tx, settings::SIGNUPS_ENABLED).await?,
            });
        };
        let offers = make::offers(tx, account.id).await?;
        Ok(Self::Developer {
            applications: rows::of_account(tx, account.id).await?,
            offers: offers.iter().map(|offer| offer.product.id).collect(),
        })
    }

    fn is_on(&self, plan_id: i64) -> bool {
        match self {
            Self::Anybody { .. } => false,
            Self::Developer { applications, .. } => applications
                .iter()
                .any(|application| application.plan_id == plan_id),
        }
    }

    /// By signing up, by changing the plan of the only application, or by a new one.
    fn way_to(&self, product: &ProductRow, plan_id: i64) -> Option<String> {
        match self {
            Self::Anybody { may_sign_up } => (*may_sign_up && product.buyer_can_select_plan)
                .then(|| format!("/signup?plan_id={plan_id}")),
            Self::Developer {
                applications,
                offers,
            } => {
                if self.is_on(plan_id) {
                    return None;
                }
                let mut own = applications
                    .iter()
                    .filter(|application| application.product_id == product.id);
                match (own.next(), own.next()) {
                    (Some(only), None) if product.buyer_plan_change_permission != "none" => {
                        Some(format!("/admin/applications/{}/plan", only.id))
                    }
                    _ => (product.buyer_can_select_plan && offers.contains(&product.id))
                        .then(|| format!("/admin/applications/new?plan_id={plan_id}")),
                }
            }
        }
    }
}

fn limits(plans: &[OfferedPlanDrop]) -> Vec<ComparedDrop> {
    let of_limits = plans.iter().flat_map(|offered| {
        let limits = offered.plan.limits.iter();
        limits.map(|limit| (&limit.metric_system_name, &limit.metric_name))
    });
    let of_prices = plans.iter().flat_map(|offered| {
        let prices = offered.plan.prices.iter();
        prices.map(|price| (&price.metric_system_name, &price.metric_name))
    });
    let mut metrics: Vec<(&String, &String)> = Vec::new();
    for metric in of_limits.chain(of_prices) {
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    metrics
        .into_iter()
        .map(|(system_name, name)| ComparedDrop {
            name: name.clone(),
            cells: plans
                .iter()
                .map(|offered| limits_of(&offered.plan, system_name))
                .collect(),
        })
        .collect()
}

/// What a plan says of a metric, in words.
fn limits_of(plan: &PlanDrop, system_name: &str) -> String {
    let limits = plan.limits.iter();
    let limits = limits.filter(|limit| limit.metric_system_name == system_name);
    let prices = plan.prices.iter();
    let prices = prices.filter(|price| price.metric_system_name == system_name);
    let mut words: Vec<&str> = limits.map(|limit| limit.words.as_str()).collect();
    if words.is_empty() {
        words.push("unlimited");
    }
    words.extend(prices.map(|price| price.words.as_str()));
    words.join("; ")
}

fn features(plans: &[OfferedPlanDrop]) -> Vec<ComparedDrop> {
    let mut names: Vec<&str> = Vec::new();
    for feature in plans.iter().flat_map(|offered| &offered.plan.features) {
        if !names.contains(&feature.name.as_str()) {
            names.push(&feature.name);
        }
    }
    names
        .into_iter()
        .map(|name| ComparedDrop {
            name: name.to_owned(),
            cells: plans
                .iter()
                .map(|offered| {
                    let mut features = offered.plan.features.iter();
                    let has = features.any(|feature| feature.name == name);
                    if has { "yes".to_owned() } else { String::new() }
                })
                .collect(),
        })
        .collect()
}
