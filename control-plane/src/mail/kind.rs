//! The kinds of mail: each is a template, under 3scale's system name where 3scale has one.

/// What a mail says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// To who signed up: a link that activates the user. Wants a `url`.
    SignupNotification,
    /// To who signed up: the account is made, and waits for approval.
    AccountConfirmed,
    /// To an account: it may come in.
    AccountApproved,
    /// To an account: it may not.
    AccountRejected,
    /// To a user: a link to choose another password. Wants a `url`.
    LostPassword,
    /// To an address: a link to join an account. Wants a `url`.
    Invitation,
    /// To an account: what the provider wrote to it.
    Message,
    /// To an account: its application may call.
    ApplicationAccepted,
    /// To an account: its application may not. Wants `application_name` and `service_name`: it is gone.
    ApplicationRejected,
    /// To an account: its application may not call for a while.
    ApplicationSuspended,
    /// To an account: its application may call again.
    ApplicationResumed,
    /// To an account: its application has one more key.
    KeyCreated,
    /// To an account: its application has one key less.
    KeyDeleted,
    /// To an account: its application is on another plan.
    PlanChanged,
    /// To an account: its application's trial ends soon.
    TrialEnding,
    /// To an account: the plan that it asked for is being thought about.
    PlanChangeRequestMade,
    /// To an account: a limit came close.
    LimitAlert,
    /// To an account: a limit was reached.
    LimitViolation,
    /// To the provider: somebody signed up.
    NewAccount,
    /// To the provider: there is one more application.
    NewApplication,
    /// To the provider: somebody asks for another plan.
    PlanChangeRequested,
    /// To the provider: an application came close to a limit.
    LimitAlertToProvider,
    /// To the provider: an application reached a limit.
    LimitViolationToProvider,
}

/// What the provider's users call a kind in their preferences, and whose business it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// One of [`crate::notifications::ALL`].
    pub name: &'static str,
    /// The section that members need to be told.
    pub section: &'static str,
}

/// All of them, with the system names of their templates.
pub const ALL: &[(Kind, &str)] = &[
    (Kind::SignupNotification, "signup_notification_email"),
    (Kind::AccountConfirmed, "account_confirmed"),
    (Kind::AccountApproved, "account_approved"),
    (Kind::AccountRejected, "account_rejected"),
    (Kind::LostPassword, "lost_password_email"),
    (Kind::Invitation, "invitation"),
    (Kind::Message, "account_message"),
    (Kind::ApplicationAccepted, "cinstance_messenger_accept"),
    (Kind::ApplicationRejected, "cinstance_messenger_reject"),
    (Kind::ApplicationSuspended, "cinstance_messenger_suspended"),
    (Kind::ApplicationResumed, "cinstance_messenger_resumed"),
    (Kind::KeyCreated, "cinstance_messenger_key_created"),
    (Kind::KeyDeleted, "cinstance_messenger_key_deleted"),
    (
        Kind::PlanChanged,
        "cinstance_messenger_plan_change_for_buyer",
    ),
    (
        Kind::TrialEnding,
        "cinstance_messenger_expired_trial_period_notification",
    ),
    (
        Kind::PlanChangeRequestMade,
        "plans_messenger_plan_change_request_made",
    ),
    (Kind::LimitAlert, "alert_messenger_limit_alert_for_buyer"),
    (
        Kind::LimitViolation,
        "alert_messenger_limit_violation_for_buyer",
    ),
    (Kind::NewAccount, "account_messenger_new_signup"),
    (Kind::NewApplication, "cinstance_messenger_new_application"),
    (
        Kind::PlanChangeRequested,
        "plans_messenger_plan_change_request",
    ),
    (
        Kind::LimitAlertToProvider,
        "alert_messenger_limit_alert_for_provider",
    ),
    (
        Kind::LimitViolationToProvider,
        "alert_messenger_limit_violation_for_provider",
    ),
];

impl Kind {
    /// The system name of its template.
    #[must_use]
    pub fn template(self) -> &'static str {
        let found = ALL.iter().find(|(kind, _)| *kind == self);
        found.map_or("", |(_, template)| template)
    }

    /// The kind with this template.
    #[must_use]
    pub fn of_template(template: &str) -> Option<Self> {
        let found = ALL.iter().find(|(_, known)| *known == template);
        found.map(|(kind, _)| *kind)
    }

    /// How the provider's users choose whether they want it; none of what is not for them.
    #[must_use]
    pub fn notification(self) -> Option<Notification> {
        let (name, section) = match self {
            Self::NewAccount => ("account_created", "partners"),
            Self::NewApplication => ("application_created", "partners"),
            Self::PlanChangeRequested => ("application_plan_change_requested", "partners"),
            Self::LimitAlertToProvider => ("limit_alert_reached_provider", "monitoring"),
            Self::LimitViolationToProvider => ("limit_violation_reached_provider", "monitoring"),
            _ => return None,
        };
        Some(Notification { name, section })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin_api::access::SECTIONS;
    use crate::notifications;

    #[test]
    fn kinds_and_templates_are_the_same_thing() {
        for (kind, template) in ALL {
            assert_eq!(kind.template(), *template);
            assert_eq!(Kind::of_template(template), Some(*kind));
        }
    }

    #[test]
    fn what_the_provider_is_told_can_be_chosen() {
        for notification in ALL.iter().filter_map(|(kind, _)| kind.notification()) {
            assert!(
                notifications::ALL
                    .iter()
                    .any(|(name, _)| *name == notification.name),
                "{notification:?}"
            );
            assert!(SECTIONS.contains(&notification.section));
        }
    }
}
