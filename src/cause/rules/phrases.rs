//! Words that say the cause whoever writes them: what a server holds against the client and its
//! sending. They are asked after every known wording, in an order of their own: boilerplate that
//! is all there is comes first, and what names a standard or a thing to mend stands before what
//! names a penalty.

use super::super::Cause::{self, *};
use super::Rule;
use crate::cause::Permanence::PermanentInDisguise;
use crate::smtp::Phase;

const SEEN: &str = "Seen in replies of many programs";

/// A rule on words that belong to nobody in particular.
pub(super) const fn rule(
    id: &'static str,
    cause: Cause,
    text: &'static [&'static str],
    example: &'static str,
) -> Rule {
    Rule::new(id, cause, SEEN, text, example)
}

pub(super) const RULES: &[Rule] = &[
    // Words that name no cause, when they are all there is.
    rule(
        "phrase.none",
        Unknown,
        &[
            "^ [recipient address rejected|client host rejected] [sorry] [please] (try|retry) \
             [it] [again] later $",
            "^ [message|mail|email] [temporarily] (deferred|delayed|refused|rejected) \
             [temporarily] [please] [try again later] $",
            "^ (message|mail|email) (denied|not accepted|could not be delivered) [temporarily] $",
            "(message|mail) [temporarily] (deferred|delayed) [please] try again later $",
            "^ [please] [try again later] [try later] [please] (retry|resend|try later|try again) \
             [later] $",
            "^ [please] try again later closing connection",
            "^ service refuse*",
            "^ unknown error $",
            "^ connection dropped $",
            "due to a recipient error",
        ],
        "450 please try again later",
    ),
    // What to switch on.
    rule(
        "phrase.tls.required",
        TlsRequired,
        &[
            "(starttls|tls|ssl|encryption|encrypted [connection|session]) .. (is|are) .. \
             (required|needed|mandatory|necessary)",
            "(starttls|tls|ssl|encryption) (required|needed|mandatory|first)",
            "(must|need|please|requires) .. (starttls|use tls|tls|encrypted connection|\
             encryption) + !authentication is",
            "encryption required for",
            "(plaintext|plain text|cleartext|clear text|unencrypted|insecure) [connection*|\
             session*|auth*|login*] .. (not|disabled|forbidden|prohibited|refused|disallowed)",
            "(wasnt|was not|not) sent .. tls",
            "(tls|ssl|secure|encrypted|secured) .. (connection|connections|handshake|session|channel|\
             transport|link) .. (required|needed|mandatory|only)",
            "only .. (tls|ssl|encrypted|secure|starttls) (connection*|session*|channel*|link*)",
            "(only|not) .. (over|with|via|without|after|inside) [a|an] (tls|ssl|starttls|encrypt*) + \
             !unavailable",
            "(tls|ssl) [version|protocol] .. (too old|no longer|obsolete|deprecated|or (above|\
             higher|newer|later|better)|not supported|unsupported|outdated|too low|insufficient)",
            "(use|using|upgrade to|minimum|least|only) (tls|tlsv1)",
            "(insecure|unencrypted|plaintext|unsecured) (connections|sessions|mail) + !relay",
        ],
        "550 Encryption is required here",
    ),
    rule(
        "phrase.tls.unavailable",
        SystemProblem,
        &["(tls|starttls) .. (not available|unavailable|temporarily)"],
        "454 TLS is not available now",
    ),
    // What to mend in DNS.
    rule(
        "phrase.sender_auth",
        SenderAuthFailed,
        &[
            "(dmarc|dkim|spf|arc) .. (fail*|invalid|reject*|polic*|violat*|not authorized|\
             unauthorized|unauthenticated|prohibited|check*|validation|didnt pass|not pass|\
             alignment|missing|bad|error*|softfail|none|permerror|not aligned|hardfail|denied|\
             blocked)",
            "(fail*|invalid|violat*|bad|rejected by|per|no|due to|not pass|does not pass|didnt \
             pass|missing|because) .. (dmarc|dkim|spf)",
            "unauthenticated (email|mail|message*) .. not (accepted|allowed|permitted)",
            "(it|message|mail|email) is unauthenticated",
            "(domainkeys|domain keys)",
            "(require*|needs) .. (dkim|spf|dmarc)",
            "sender policy framework",
            "(not|isnt) (authorized|authorised|permitted|allowed|designated) to (send|deliver) \
             [mail|email|messages] (from|for|on behalf) + !ip",
            "(spoofed|spoofing|forged|forgery) + !helo + !ehlo + !hostname + !reverse",
            "(failed|fails|fail) [sender|domain|email|the|our] authentication (check*|test*|\
             result*)",
            "(not|doesnt|does not|nicht) designate*",
            "p reject",
            "(not|un) (authorized|authorised) by [the] spf",
            "(not authorized|not permitted|not allowed|invalid ip) (to send|for sending) [mail|\
             email] .. (from|of|for) [this|the|that] domain",
            "(sender id|senderid) .. (fail*|reject*|not permitted|denied)",
            "authentication (checks|results) .. fail*",
            "authentication of (this|the|your) (message|mail|email|domain)",
            "arc (seal|set|chain)",
            "(does not|doesnt|do not) (have|meet|pass) .. authentication [information|\
             requirements|level|checks]",
        ],
        "550 SPF check failed for example.net",
    ),
    rule(
        "phrase.rdns",
        RdnsHelo,
        &[
            "(reverse (dns|lookup|name|hostname|resolution)|dns nr)",
            "(dynamic|generic) (hostname*|host name*|rdns|ptr|dns)",
            "(no|without) matching (a|dns|address) record",
            "(resolve|resolves|resolving) back",
            "(rdns|ptr|fcrdns) .. (fail*|missing|required|record*|invalid|mismatch|not|no|\
             generic|lookup|setup|resolve|must|bad)",
            "(no|missing|bad|invalid|generic|without|lack*|valid|not have|have a) [dns|valid|\
             corresponding|matching|associated] (ptr|rdns)",
            "(ip|address|host|client) .. (has no|does not have|doesnt have|without|not have) \
             .. (dns name|hostname|host name|reverse)",
            "dynamic ip .. generic",
            "cannot (find|resolve) .. (hostname|host name)",
            "(hostname|host name) lookup (failed|failure)",
            "ip name lookup",
            "(client name|hostname|host name|dns name|name) (does not|doesnt) match [the|its|your|client] \
             (ip|address|dns)",
            "(resolve|find|lookup) [a|any|your|the] (ptr|rdns)",
            "(hostname|host name) (does not|doesnt|is unknown|unknown|cannot be) [match|resolve*|found]",
            "(cannot|cant|could not|unable to) resolve (your|the client|client) (ip|address|host|name)",
            "unresolvable (hostname|host name|ip|client)",
        ],
        "550 your address has no PTR record",
    )
    .lasts(PermanentInDisguise),
    rule(
        "phrase.helo",
        RdnsHelo,
        &[
            "(helo|ehlo|hello) .. (invalid|reject*|denied|not allowed|mismatch|does not match|\
             bad|fully|fqdn|resolve|not found|forged|fake*|not valid|impersonat*|violat*|must \
             be|not exist|not resolve|forbidden|ip address)",
            "(invalid|bad|valid|illegal) .. (helo|ehlo) + !first",
            "hostname looks like",
            "(invalid|bad|fake|forged|your|illegal|unacceptable) (helo|ehlo) + !first",
        ],
        "550 HELO name does not match",
    ),
    rule(
        "phrase.helo.phase",
        RdnsHelo,
        &[
            "(hostname|host name|domain) .. (required|invalid|missing)",
            "missing (hostname|host name)",
            "requires domain [name|address]",
            "^ syntax (helo|ehlo)",
        ],
        "501 Missing hostname",
    )
    .phases(&[Phase::Ehlo, Phase::EhloTls]),
    // Where we may not go.
    rule(
        "phrase.relay",
        RelayDenied,
        &[
            "(relay*|relaying) .. (denied|prohibited|not permitted|not allowed|rejected|\
             forbidden|disallowed|refused|disabled|access|authorized|blocked)",
            "(not|unable|cannot|cant|dont|refuse|refusing|wont|no|never|denied|open) \
             [permitted|configured|allowed|authorized|able|an|open] [to] relay* + !blacklist* \
             + !blocklist*",
            "not .. (relay|relaying)",
            "relay (to|for|through) .. (not|denied|impossible|refused|required)",
            "required (for|to) relay*",
            "(sender or recipient|recipient or sender) .. local",
            "(dont|do not|not|cannot|wont|never) (handle|carry|forward|deliver) [e] mail* (for|to) \
             [other|remote|foreign|external|that|this]",
            "(forwarding|delivery) to (remote|other|foreign|external) .. (disabled|denied|not|\
             prohibited|refused)",
            "(recipient|address|user) [is] (not local|nonlocal|non local)",
            "(permission*|privilege*|right|rights|permitted|attempt*) to relay",
            "(foreign|external|remote|outside) (domain*|recipient*|addresses) + !limit* + !rate",
            "(relais|relay|relaying) .. (refuse*|verboten|interdit|verweigert|denegado|negato)",
            "(non local|nonlocal) (recipient|user|address|domain)",
            "(domain|recipient) .. (isnt|is not|not) .. (allowed rcpthosts|my list|local \
             domains|accepted domain*)",
            "(not a|isnt a|not an) (gateway|relay|open relay)",
        ],
        "550 we do not relay for strangers",
    ),
    rule(
        "phrase.auth",
        AuthRequired,
        &[
            "(authentication|authenticate|auth|authorization|login|logon) [credentials] [is|\
             are|was] (required|needed|necessary|failed|failure|unsuccessful|invalid|rejected|\
             denied|error|first)",
            "(must|please|need to|have to|should|requires|require) [first] (authenticate|\
             authentication|login|log in|log on|auth|be authenticated|be logged in|smtp auth*|\
             an auth)",
            "(pop|check for new mail|check your mail|check mail) before (smtp|send*)",
            "not (authenticated|logged in|login)",
            "(unauthenticated|unauthorized) (sender*|command*|user*|client*|connection*)",
            "(bad|invalid|wrong|incorrect) (credentials|password|username|user name|login|\
             authentication)",
            "(username|user name|password) .. (incorrect|invalid|wrong|not accepted|rejected|\
             required)",
            "(application specific|app) password",
            "credential* .. (invalid|rejected|incorrect|expired|not accepted|wrong|missing)",
            "(password|login|token|authentication|sasl) .. (not accepted|did not accept|expired|\
             revoked|failed|refused|unsuccessful)",
            "authentication [is] (disabled|not enabled|not allowed|unavailable)",
            "need* auth",
            "not allowed to (login|log in|authenticate)",
            "(api key|access token|oauth*|bearer)",
            "sender .. must .. authenticated",
            "too (many|much) .. (login*|auth*|fail*|bad|invalid|password*) .. (attempt*|fail*|auth*|\
             login*|password*)",
            "(login|auth) [attempt*|fail*] .. (exceed*|too many)",
        ],
        "550 please authenticate first",
    ),
    // Prove yourself.
    rule(
        "phrase.greylist",
        Greylisted,
        &[
            "(first|initial) (attempt|delivery|time|contact|seen) .. (retry|try|defer*|later)",
            "(retry|try [it] again|come back|wait) [delivery] (in|after|for|at least|10|5) .. \
             (second*|minute*|sec|min) + !limit* + !rate + !too + !exceed* + !idle + !busy + \
             !error + !failure + !problem* + !maintenance + !unavailable + !overload* + !sent + \
             !load + !down",
        ],
        "451 come back in five minutes",
    ),
    // Who is listed.
    rule(
        "phrase.reputation.named",
        BadReputation,
        &[
            "(reputation*|complaint*|senderscore|sender score|senderbase|talosintelligence)",
            "(too many|excessive) (invalid|unknown|bad|nonexistent) (recipient*|user*|rcpt*)",
            "spam history",
            "(blocked|refused|rejected) for (abuse|abusive|spamming)",
            "(suspicious|abusive|bad) .. (behavio*|activity)",
            "(high|excessive) (bounce|complaint|rejection) (rate|ratio|rates)",
            "(spammer|spammers|spams|trust score|spam relay)",
            "(users|recipients|customers) .. (marked|reported|flagged) .. (spam|junk)",
            "(abuse|spam) reports",
            "(too much|high|excessive) (spam|junk|unsolicited mail) [rate|volume|ratio|level] [from|\
             by|sent|originat*|coming]",
            "spam rate",
            "(spamtrap*|spam trap*) (hit*|mail*|address* hit)",
            "behavio* spam",
            "spam .. (sent|received|seen) .. (from|by) (this|your) (host|ip|server|network|address|\
             domain)",
            "[has|have] sent .. spam to (us|our*)",
        ],
        "554 refused for too many complaints",
    ),
    rule(
        "phrase.blocklist.named",
        Blocklisted,
        &[
            "(dnsbl*|rbl*|xbl|pbl|zen|cbl|brbl)",
            "(blocked|listed|found|rejected|filtered) (using|by|on|in|at|via) .. (bl|dnsrbl|\
             blackholes|dynablock)",
        ],
        "550 192.0.2.1 found in the RBL of example.net",
    ),
    rule(
        "phrase.blocklist",
        Blocklisted,
        &[
            "(blacklist*|black list*|blocklist*|block list*|denylist*|deny list*|blackhole*|\
             block listed)",
            "(ip|address|host|server|sender|domain|client|network) .. (is|are|was|been|has \
             been) .. (blocked|listed|banned|blacklisted|filtered|barred) + !not listed",
            "(blocked|banned|listed|barred) (ip|ips|address|host|network|sending ip|client|by \
             [the] [ip] list|sending)",
            "(ip|ips|host|server|network) [address|addresses] [temporarily|permanently] \
             (blocked|banned|blacklisted|listed|barred)",
            "(mail|email|connection*|messages) from [is|are] currently blocked",
            "(your|this) (access|ip|host|server|network) .. (blocked|banned|blacklisted)",
            "(not allowed|denied|refused|rejected|blocked) .. from (this|your) (ip|host|network)",
            "(dialup|dial up|dynamic (ip|address*|range*)|dynamically|residential)",
            "(blocked|banned) for (your|this) (ip|host|network|server)",
            "blocked using + !pattern* + !content + !filter*",
            "(access|mail|email|message*|connection*) from .. (ip|address|host|your network) \
             .. (blocked|banned|denied|rejected|refused|forbidden|not allowed|not accepted)",
            "(delist*|delisting|unblock*|remov* from (this|the|our) list|whitelist request)",
            "your ip [address] .. (filtered|denied|rejected|forbidden|refused|not allowed)",
            "(denied|rejected|refused|forbidden) .. your ip",
            "denyip",
            "(adresse ip .. (bloquee|refusee|interdite)|liste noire|lista negra|lista nera|schwarze \
             liste|schwarzen liste|sperrliste|gesperrt .. ip|ip .. gesperrt|ip bloqueada|zwarte \
             lijst)",
            "(ip|address|host|server|domain) [is|are] [currently] on [the|a|our|this|your|several] \
             .. (list|lists) + !whitelist + !white",
            "intrusion prevention",
            "(listed|in access list) as [a] spam*",
            "(blocked|refused|rejected) (by|at) barracuda*",
        ],
        "554 your server is blacklisted here",
    ),
    // How we are seen.
    rule(
        "phrase.reputation",
        BadReputation,
        &[
            "reputation*",
            "trustedsource",
            "(unusual|unexpected|excessive) (rate|volume|amount) of (unsolicited|spam|complaint*)",
            "(spam|abuse|unsolicited|suspicious) .. (from|originating) .. (your|this) (ip|\
             network|server|address|host)",
            "(suspicious|abusive) (activity|behavior|behaviour|ip|sender|host|traffic)",
            "history of (spam|abuse|sending)",
            "excessive (unknown|invalid) recipients",
            "spam (source|host|sender|ip)",
            "[been|is|currently|are|was] sending (spam|junk)",
            "(source|origin) of (spam|junk|abuse|unsolicited)",
            "directory harvest*",
            "dictionary attack",
        ],
        "554 your host is a source of spam",
    ),
];
