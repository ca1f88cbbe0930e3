//! Submission and sending services, and forwarders: their submission side refuses too.

use super::super::Cause::*;
use super::Rule;

const SES: &str = "Amazon SES, SMTP response codes";
const SENDGRID: &str = "Twilio SendGrid, SMTP errors";
const MAILGUN: &str = "Mailgun, SMTP errors";
const POSTMARK: &str = "Postmark, SMTP errors";
const SPARKPOST: &str = "SparkPost, SMTP and injection errors";
const OTHERS: &str = "Brevo, Mailjet, Mandrill, SMTP2GO and Elastic Email, error pages";
const FORWARDERS: &str = "Cloudflare Email Routing and ImprovMX, error pages";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "ses.rate",
        RateLimited,
        SES,
        &["throttling failure", "maximum sending rate exceeded", "daily message quota exceeded"],
        "454 mx.example.net: throttling failure",
    ),
    Rule::new(
        "ses.identity",
        SenderRejected,
        SES,
        &["email address is not verified", "identities failed the check"],
        "554 mx.example.net: email address is not verified",
    ),
    Rule::new(
        "ses.paused",
        BadReputation,
        SES,
        &["sending (paused|suspended) for this account", "account is (paused|under review)"],
        "554 Message rejected: Sending paused for this account.",
    ),
    Rule::new(
        "ses.auth",
        AuthRequired,
        SES,
        &["authentication credentials invalid", "is not authorized to perform ses"],
        "554 Access denied: User arn:aws:iam::1:user/a is not authorized to perform \
             ses:SendRawEmail",
    ),
    Rule::new(
        "ses.timeout",
        Timeout,
        SES,
        &["timeout waiting for data from client"],
        "451 4.4.2 Timeout waiting for data from client.",
    ),
    Rule::new(
        "sendgrid.credits",
        RateLimited,
        SENDGRID,
        &["maximum credits exceeded"],
        "451 Authentication failed: Maximum credits exceeded",
    ),
    Rule::new(
        "sendgrid.identity",
        SenderRejected,
        SENDGRID,
        &["from address does not match a verified sender identity"],
        "550 The from address does not match a verified Sender Identity.",
    ),
    Rule::new(
        "sendgrid.unauthenticated",
        AuthRequired,
        SENDGRID,
        &["unauthenticated senders not allowed"],
        "550 mx.example.net: unauthenticated senders not allowed",
    ),
    Rule::new(
        "mailgun.sandbox",
        PolicyRejected,
        MAILGUN,
        &["sandbox (subdomains|domain*) are for test", "free accounts are for test"],
        "554 Sandbox subdomains are for test purposes only. Please add your own domain.",
    ),
    Rule::new(
        "mailgun.disabled",
        PolicyRejected,
        MAILGUN,
        &["domain .. is not allowed to send"],
        "421 Domain example.net is not allowed to send: business verification",
    ),
    Rule::new(
        "postmark.signature",
        SenderRejected,
        POSTMARK,
        &["sender signature", "from address you supplied is not"],
        "550 5.7.1 The 'From' address you supplied is not a Sender Signature on your account.",
    ),
    Rule::new(
        "postmark.inactive",
        MailboxUnavailable,
        POSTMARK,
        &["inactive recipients"],
        "550 You tried to send to recipients that are inactive: inactive recipients a@example.net",
    ),
    Rule::new(
        "sparkpost.domain",
        SenderRejected,
        SPARKPOST,
        &["unconfigured sending domain", "sending domain .. (not configured|unverified)"],
        "550 5.7.1 Unconfigured Sending Domain <example.net>",
    ),
    Rule::new(
        "sparkpost.limit",
        RateLimited,
        SPARKPOST,
        &["exceed sending limit", "exceeded messaging limit"],
        "421 4.3.2 Exceed Sending Limit (hourly)",
    ),
    Rule::new(
        "relay.unactivated",
        PolicyRejected,
        OTHERS,
        &["account (is not|not) [yet] activated", "smtp account .. not .. activated"],
        "502 5.7.0 Your SMTP account is not yet activated.",
    ),
    Rule::new(
        "relay.daily",
        RateLimited,
        OTHERS,
        &["(account|monthly|daily|hourly) [sending] (limit|quota|allowance|credits) (reached|\
             exceeded|used up)"],
        "550 Daily quota exceeded on this account",
    ),
    Rule::new(
        "cloudflare.upstream",
        SystemProblem,
        FORWARDERS,
        &["upstream error"],
        "421 4.3.0 Upstream error, please check the page for possible reasons why.",
    ),
    Rule::new(
        "improvmx.loop",
        Routing,
        FORWARDERS,
        &["email is sent and forwarded from to"],
        "551 5.7.1 mx.example.net: email is sent and forwarded from to",
    ),
];
