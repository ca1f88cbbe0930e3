//! Causes: whatever a server or a person's clipboard says, one verdict of the closed lists, in time
//! that the input's length bounds, and told in rows that stay rows.

use std::time::Duration;

use smtp_exporter::cause::explain::{Explanation, SHOWN, WIDTH};
use smtp_exporter::cause::rules::NO_RULE;
use smtp_exporter::cause::unwrap::{CAP, unwrap};
use smtp_exporter::cause::{Blame, Context, Family, Judgement, Permanence, Rules};
use smtp_exporter::smtp::{EnhancedCode, Phase, Reply};
use tokio::time::Instant;

/// The first bytes choose code and phase; the rest is the reply's text, and a paste of its own.
pub fn run(data: &[u8]) {
    let ([code, phase], bytes) = super::choices(data);
    let text = String::from_utf8_lossy(bytes);
    let began = Instant::now();
    live(code, phase, &text);
    pasted(&text);
    assert!(began.elapsed() < LONGEST, "{:?} for {} bytes", began.elapsed(), text.len());
}

/// Even a loaded machine needs a hundredth of it for the longest reply.
const LONGEST: Duration = Duration::from_secs(5);

fn live(code: u8, phase: u8, text: &str) {
    let code = 400 + u16::from(code) % 200;
    let phase = Phase::ALL.get(usize::from(phase)).copied();
    let lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let enhanced = lines
        .first()
        .and_then(|line| EnhancedCode::find(line))
        .filter(|found| u16::from(found.class) == code / 100);
    let reply = Reply { code, enhanced, lines };
    let judged = judge(phase, &reply);
    assert_eq!(judge(phase, &reply), judged, "the second time it is another");

    let capitals = changed(&reply, |line| line.to_ascii_uppercase());
    assert_eq!(judge(phase, &capitals), judged, "capitals change it");
    // A server may break its lines anywhere, at any width.
    if text.len() < CAP / 4 {
        let joined = Reply { lines: vec![reply.text()], ..reply };
        assert_eq!(judge(phase, &joined), judged, "line breaks change it");
    }
}

fn changed(reply: &Reply, change: impl Fn(&str) -> String) -> Reply {
    Reply { lines: reply.lines.iter().map(|line| change(line)).collect(), ..reply.clone() }
}

fn judge(phase: Option<Phase>, reply: &Reply) -> Judgement {
    let rules = Rules::builtin();
    let judged = rules.judge(Context { phase, tls: false }, reply);
    assert!(judged.cause.is_stated(), "{judged:?} was stated by nobody");
    assert_ne!(judged.blame, Blame::Exporter, "{judged:?}");
    assert!(rules.confidence(&judged.rule).is_some(), "{judged:?} is of no rule");
    let none = rules.family(&judged.rule) == Family::None;
    assert_eq!(none, judged.rule == NO_RULE, "{judged:?}");
    let disguise = judged.permanence == Permanence::PermanentInDisguise;
    assert!(!disguise || reply.code < 500, "{judged:?} of a {}", reply.code);
    judged
}

fn pasted(text: &str) {
    if let Some(found) = unwrap(text) {
        let reply = &found.reply;
        assert!((400..600).contains(&reply.code) && !reply.lines.is_empty(), "{found:?}");
        let length: usize = reply.lines.iter().map(String::len).sum();
        // Sendmail's form is put together of two parts, which may overlap.
        assert!(length <= 2 * CAP, "{length} bytes of {CAP}");
        if let Some(enhanced) = reply.enhanced {
            assert_eq!(u16::from(enhanced.class), reply.code / 100);
        }
    }
    let told = Explanation::of(Rules::builtin(), text);
    assert_eq!(told.code, unwrap(text).map(|found| found.reply.code));
    assert!(told.cause.is_stated());
    let row = told.to_tsv();
    assert_eq!((row.split('\t').count(), row.lines().count()), (3, 1), "{row:?}");
    let json = told.to_json();
    assert!(json.starts_with('{') && !json.contains('\n'), "{json}");
    for line in told.to_text().lines() {
        super::assert_one_line(line);
        assert!(line.chars().count() <= WIDTH + SHOWN, "{line}");
    }
}
