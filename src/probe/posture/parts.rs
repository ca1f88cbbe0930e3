//! What is asked of the DNS for one area, and handed to its judgement.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use super::ask::Asker;
use crate::posture::bimi::BimiFacts;
use crate::posture::dkim::DkimFacts;
use crate::posture::dmarc::DmarcFacts;
use crate::posture::sender::{MAX_NAMES, SenderFacts};
use crate::posture::spf::{self, Evaluation, Request, SpfFacts, Step};
use crate::posture::{Answer, Data, Finding, Kind, Question, Subject, bimi, dkim, dmarc, sender};

/// What came of one area.
pub(super) type Part<T> = (T, Vec<Finding>);

/// The whole record, and what it says of each sending address.
pub(super) async fn spf(asker: Asker, subject: Arc<Subject>) -> Part<SpfFacts> {
    let mut findings = Vec::new();
    let request = |client| Request {
        domain: subject.domain.to_string(),
        client,
        sender: format!("postmaster@{}", subject.domain),
        helo: subject.helo.as_ref().unwrap_or(&subject.domain).to_string(),
    };
    let Some(walk) = evaluate(&asker, request(None)).await else {
        return (SpfFacts::default(), findings);
    };
    let mut senders: Vec<(IpAddr, spf::Outcome)> = Vec::new();
    for address in &subject.sending_addresses {
        if let Some(outcome) = evaluate(&asker, request(Some(*address))).await {
            senders.push((*address, outcome));
        }
    }
    (spf::facts(&walk, &senders, &mut findings), findings)
}

/// None when it asked beyond all reason.
async fn evaluate(asker: &Asker, request: Request) -> Option<spf::Outcome> {
    let (mut evaluation, mut step) = Evaluation::start(request);
    for _ in 0..SPF_QUESTIONS {
        match step {
            Step::Ask(question) => step = evaluation.on_answer(&asker.ask(&question).await),
            Step::Done(outcome) => return Some(*outcome),
        }
    }
    None
}

/// The key of each selector, in order.
pub(super) async fn dkim(asker: Asker, subject: Arc<Subject>) -> Part<Vec<DkimFacts>> {
    let mut findings = Vec::new();
    let mut keys = Vec::with_capacity(subject.dkim_selectors.len());
    for selector in &subject.dkim_selectors {
        let answer = asker.texts(dkim::name(selector, &subject.domain)).await;
        keys.push(dkim::judge(selector, &answer, &mut findings));
    }
    dkim::duplicates(&keys, &mut findings);
    (keys, findings)
}

/// The record, here or at the organisational domain, and who agreed to get reports.
pub(super) async fn dmarc(asker: Asker, subject: Arc<Subject>) -> Part<DmarcFacts> {
    let mut findings = Vec::new();
    let mut answers: Vec<Answer> = Vec::new();
    let mut questions: VecDeque<Question> = dmarc::questions(&subject.domain).into();
    while let Some(question) = questions.pop_front() {
        answers.push(asker.ask(&question).await);
        // A first look tells whether the next is needed; its findings are not the last word.
        let found = dmarc::judge(&subject.domain, &answers, &mut Vec::new());
        if found.present != Some(false) {
            break;
        }
    }
    let mut facts = dmarc::judge(&subject.domain, &answers, &mut findings);
    let asked = dmarc::authorizations(&subject.domain, &facts);
    for (index, question) in asked.into_iter().take(AUTHORIZATIONS) {
        let answer = asker.ask(&question).await;
        dmarc::authorize(&mut facts, index, &answer, &mut findings);
    }
    (facts, findings)
}

/// Whether there is a record.
pub(super) async fn bimi(asker: Asker, subject: Arc<Subject>) -> BimiFacts {
    bimi::judge(&asker.texts(bimi::name(&subject.domain)).await)
}

/// The reverse names of each sending address, in order.
pub(super) async fn senders(asker: Asker, subject: Arc<Subject>) -> Part<Vec<SenderFacts>> {
    let mut findings = Vec::new();
    let mut senders = Vec::with_capacity(subject.sending_addresses.len());
    for address in &subject.sending_addresses {
        let kind = if address.to_canonical().is_ipv4() { Kind::A } else { Kind::Aaaa };
        let reverse = asker.ask(&sender::question(*address)).await;
        let mut forward = Vec::new();
        for data in reverse.records().iter().take(MAX_NAMES) {
            let Data::Name(name) = data else { continue };
            let answer = asker.ask(&Question::new(name.clone(), kind)).await;
            forward.push((name.clone(), answer));
        }
        let helo = match &subject.helo {
            Some(helo) => Some((helo, asker.ask(&Question::new(&**helo, kind)).await)),
            None => None,
        };
        let helo = helo.as_ref().map(|(helo, answer)| (&***helo, answer));
        senders.push(sender::judge(*address, &reverse, &forward, helo, &mut findings));
    }
    (senders, findings)
}

/// Questions of one evaluation, which has bounds of its own (RFC 7208, 4.6.4) that come to less.
const SPF_QUESTIONS: usize = 500;
/// Receivers of reports that are asked for.
const AUTHORIZATIONS: usize = 20;
