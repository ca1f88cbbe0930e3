//! Words that say the cause whoever writes them. They are asked after every known wording, in an
//! order of their own: what names a standard or a thing to mend stands before what names a
//! penalty, and "try again later" before nothing at all.

use super::super::Cause::{self, *};
use super::Rule;
use crate::cause::Permanence::PermanentInDisguise;
use crate::smtp::Phase;

const SEEN: &str = "Seen in replies of many programs";

const fn rule(
    id: &'static str,
    cause: Cause,
    text: &'static [&'static str],
    example: &'static str,
) -> Rule {
    Rule::new(id, cause, SEEN, text, example)
}

pub(super) const RULES: &[Rule] = &[
    // Words that name no cause, when they are all there is.
    rule("phrase.none", Unknown, &[
        "^ [recipient address rejected] [sorry] [please] (try|retry) [it] [again] later $",
        "^ [message|mail|email] [temporarily] (deferred|delayed|refused|rejected|denied) [temporarily] [please] [try again later] $",
        "(message|mail) [temporarily] (deferred|delayed) [please] try again later $",
        "^ service refuse*",
        "^ unknown error $",
        "^ connection dropped $",
        "due to a recipient error",
    ], "450 please try again later"),
    // What to switch on.
    rule("phrase.tls.required", TlsRequired, &[
        "(starttls|tls|ssl|encryption|encrypted [connection|session]) .. (is|are) .. (required|needed|mandatory|necessary)",
        "(starttls|tls|ssl|encryption) (required|needed|mandatory|first)",
        "(must|need|please|requires) .. (starttls|use tls|tls|encrypted connection|encryption) + !authentication is",
        "encryption required for",
        "(plaintext|plain text|cleartext|clear text|unencrypted|insecure) [connection*|session*|auth*|login*] .. (not|disabled|forbidden|prohibited|refused|disallowed)",
        "(wasnt|was not|not) sent .. tls",
    ], "550 Encryption is required here"),
    rule("phrase.tls.unavailable", SystemProblem, &["(tls|starttls) .. (not available|unavailable|temporarily)"], "454 TLS is not available now"),
    // What to mend in DNS.
    rule("phrase.sender_auth", SenderAuthFailed, &[
        "(dmarc|dkim|spf|arc) .. (fail*|invalid|reject*|polic*|violat*|not authorized|unauthorized|unauthenticated|prohibited|check*|validation|didnt pass|not pass|alignment|missing|bad|error*|softfail|none|permerror|not aligned|hardfail|denied|blocked)",
        "(fail*|invalid|violat*|bad|rejected by|per|no|due to|not pass|does not pass|didnt pass|missing|because) .. (dmarc|dkim|spf)",
        "unauthenticated (email|mail|message*) .. not (accepted|allowed|permitted)",
        "(it|message|mail|email) is unauthenticated",
        "sender policy framework",
        "(not|isnt) (authorized|authorised|permitted|allowed|designated) to (send|deliver) [mail|email|messages] (from|for|on behalf)",
        "(spoofed|spoofing|forged) [message|sender|mail|email|address|from]",
        "(not authorized|not permitted|not allowed|invalid ip) (to send|for sending) [mail|email] .. (from|of|for) [this|the|that] domain",
        "(sender id|senderid) .. (fail*|reject*|not permitted|denied)",
        "authentication (checks|results) .. fail*",
        "(does not|doesnt|do not) (have|meet|pass) .. authentication [information|requirements|level|checks]",
    ], "550 SPF check failed for example.net"),
    rule("phrase.rdns", RdnsHelo, &[
        "reverse dns",
        "(rdns|ptr|fcrdns) .. (fail*|missing|required|record*|invalid|mismatch|not|no|generic|lookup|setup|resolve|must|bad)",
        "(no|missing|bad|invalid|generic|without|lack*|valid|not have|have a) [dns] (ptr|rdns)",
        "(ip|address|host|client) .. (has no|does not have|doesnt have|without|not have) .. (dns name|hostname|host name|reverse)",
        "dynamic ip .. generic",
        "cannot (find|resolve) .. (hostname|host name)",
        "ip name lookup",
        "(hostname|host name) (does not|doesnt) (match|resolve)",
        "unresolvable (hostname|host name|ip|client)",
    ], "550 your address has no PTR record").lasts(PermanentInDisguise),
    rule("phrase.helo", RdnsHelo, &[
        "(helo|ehlo|hello) .. (invalid|reject*|denied|not allowed|mismatch|does not match|bad|fully|fqdn|resolve|not found|forged|fake*|not valid|impersonat*|violat*|must be)",
        "(invalid|bad|fake|forged|your|illegal|unacceptable) (helo|ehlo) + !first",
    ], "550 HELO name does not match"),
    rule("phrase.helo.phase", RdnsHelo, &["(hostname|host name|domain) .. (required|invalid|missing)", "missing (hostname|host name)", "requires domain [name|address]", "^ syntax (helo|ehlo)"], "501 Missing hostname").phases(&[Phase::Ehlo, Phase::EhloTls]),
    // Where we may not go.
    rule("phrase.relay", RelayDenied, &[
        "(relay*|relaying) .. (denied|prohibited|not permitted|not allowed|rejected|forbidden|disallowed|refused|disabled|access|authorized|blocked)",
        "(not|unable|cannot|cant|dont|refuse|refusing|wont|no|never|denied|open) [permitted|configured|allowed|authorized|able|an|open] [to] relay*",
        "not .. (relay|relaying)",
        "(non local|nonlocal) (recipient|user|address|domain)",
        "(domain|recipient) .. (isnt|is not|not) .. (allowed rcpthosts|my list|local domains|accepted domain*)",
        "(not a|isnt a|not an) (gateway|relay|open relay)",
    ], "550 we do not relay for strangers"),
    rule("phrase.auth", AuthRequired, &[
        "(authentication|authenticate|auth|authorization|login|logon) [credentials] [is|are|was] (required|needed|necessary|failed|failure|unsuccessful|invalid|rejected|denied|error|first)",
        "(must|please|need to|have to|should|requires|require) [first] (authenticate|authentication|login|log in|log on|auth|be authenticated|be logged in|smtp auth*|an auth)",
        "(pop|check for new mail|check your mail|check mail) before (smtp|send*)",
        "not (authenticated|logged in|login)",
        "(unauthenticated|unauthorized) (sender*|command*|user*|client*|connection*)",
        "(bad|invalid|wrong|incorrect) (credentials|password|username|user name|login|authentication)",
        "(username|user name|password) .. (incorrect|invalid|wrong|not accepted|rejected|required)",
        "(application specific|app) password",
        "credentials .. (invalid|rejected|incorrect)",
        "sender .. must .. authenticated",
        "too (many|much) .. (login|auth|fail*) .. (attempt*|fail*|authentication*)",
        "(login|auth) [attempt*|fail*] .. (exceed*|too many)",
    ], "550 please authenticate first"),
    // Prove yourself.
    rule("phrase.greylist", Greylisted, &[
        "(greylist*|graylist*|postgrey|gray list*|grey list*|greylst)",
        "(first|initial) (attempt|delivery|time|contact|seen) .. (retry|try|defer*|later)",
        "(retry|try [it] again|come back) (in|after) .. (second*|minute*|sec|min) + !limit* + !rate + !too",
    ], "451 greylisted, come back in five minutes"),
    // Who is listed.
    rule("phrase.blocklist.named", Blocklisted, &[
        "(dnsbl*|rbl*|xbl|pbl|zen|cbl|brbl)",
        "(blocked|listed|found|rejected|filtered) (using|by|on|in|at|via) .. (bl|dnsrbl|blackholes|dynablock)",
    ], "550 192.0.2.1 found in the RBL of example.net"),
    rule("phrase.blocklist", Blocklisted, &[
        "(blacklist*|black list*|blocklist*|block list*|denylist*|deny list*|blackhole*|block listed)",
        "(ip|address|host|server|sender|domain|client|network) .. (is|are|was|been|has been) .. (blocked|listed|banned|blacklisted|filtered|barred) + !not listed",
        "(blocked|banned|listed|barred) (ip|ips|address|host|network|sending ip|client|by [the] [ip] list|sending)",
        "(ip|ips|host|server|network) [address|addresses] [temporarily|permanently] (blocked|banned|blacklisted|listed|barred)",
        "blocked using + !pattern* + !content + !filter*",
        "(access|mail|email|message*|connection*) from .. (ip|address|host|your network) .. (blocked|banned|denied|rejected|refused|forbidden|not allowed|not accepted)",
        "(delist*|delisting|unblock*|remov* from (this|the|our) list|whitelist request)",
        "your ip [address] .. (filtered|denied|rejected|forbidden|refused|not allowed)",
        "(denied|rejected|refused|forbidden) .. your ip",
        "denyip",
        "adresse ip .. bloquee",
    ], "554 your server is blacklisted here"),
    // How we are seen.
    rule("phrase.reputation", BadReputation, &[
        "reputation*",
        "(complaint*|senderscore|sender score|senderbase|trustedsource|talosintelligence)",
        "(unusual|unexpected|excessive) (rate|volume|amount) of (unsolicited|spam|complaint*)",
        "(spam|abuse|unsolicited|suspicious) .. (from|originating) .. (your|this) (ip|network|server|address|host)",
        "(suspicious|abusive) (activity|behavior|behaviour|ip|sender|host|traffic)",
        "history of (spam|abuse|sending)",
        "excessive (unknown|invalid) recipients",
        "spam (source|host|sender|ip)",
        "[been|is|currently|are|was] sending (spam|junk)",
        "(source|origin) of (spam|junk|abuse|unsolicited)",
        "directory harvest*",
        "dictionary attack",
    ], "554 poor reputation of your address"),
    // How much at once.
    rule("phrase.connections", TooManyConnections, &[
        "(too many|max*|maximum|limit* .. number|number|excessive|many|too much|exceed*|simultaneous|concurrent|parallel) .. (connection*|session*|threads) + !messages per",
        "(connection*|session*|concurrency) .. (limit*|exceed*|rate|throttl*|quota|maximum|too many|too fast|frequency|count)",
        "(throttl*|limit*) .. (connection*|session*)",
        "concurrency",
        "trop de (connexion*|connections|sessions)",
        "zu viele .. verbindungen",
        "demasiadas conexiones",
        "(messages|mails|emails|transactions|commands) (per|in this|in one|for this|on this) (connection|session)",
        "connecting too (often|fast|frequently|much)",
    ], "421 too many connections, slow down"),
    // RFC 3463 gives X.2.2 to full mailboxes alone, so a limit or quota with it is one of storage.
    rule("phrase.full.enhanced", StorageFull, &["(quota|full|exceed*|limit*|over|space)"], "552 5.2.2 quota limit exceeded").enhanced(&[(2, 2, 2)]),
    rule("phrase.full.user", StorageFull, &["(user|mailbox|account|recipient*) .. (reached|exceed*|over) .. (quota|storage) + !sending + !daily + !hourly + !message* + !rate + !smtp + !relay + !send"], "450 user has reached the quota limit"),
    rule("phrase.system.lookup", SystemProblem, &["(database|ldap|sql|directory|backend|back end) .. (unavailable|down|unreachable|not available|fail*|error*)", "(dns|ldap|database|backend|lookup|upstream|sql|resolver|directory) .. (timeout|timed out|time out)"], "451 DNS timeout"),
    rule("phrase.unavailable.policy", PolicyRejected, &["^ service unavailable $"], "450 4.7.1 Service unavailable").enhanced(&[(7, 1, 1)]),
    // How much in all.
    rule("phrase.rate", RateLimited, &[
        "(rate|rates) [control*|is] (limit*|exceed*|control*|throttl*)",
        "(ratelimit*|rate limit*|throttl*|frequency limited|limited frequency|flood*)",
        "(limit*|quota|threshold|maximum|max|allowance) .. (exceed*|reached|hit) + !storage + !mailbox + !disk + !size + !hop* + !over quota + !time",
        "(exceed*|reached|over|above|hit) .. (limit*|threshold|rate|sending quota|quota for|allowed number|maximum number|messages|outbound|daily) + !storage + !mailbox + !disk + !size + !hop* + !time",
        "too many (message*|mail*|email*|recipient*|rcpt*|destination*|addresses|deliver*|request*)",
        "(message*|mail*|email*|recipient*) .. (per|each|this) (hour|minute|day|second)",
        "(slow down|too fast|too quickly|too frequent*|sending too|back off)",
        "(excessive|unusual|unexpected|high|large) (volume|rate|amount|number)",
        "(receiving|sending) .. (mail|messages) .. (rate|quickly|fast)",
        "(daily|hourly) [smtp|sending|message|user|relay|recipient] (limit*|quota|maximum)",
        "reduce the number of recipients",
        "sending [rate|limit*] (limit*|exceed*|paused|quota)",
    ], "452 you send too fast"),
    // What is full.
    rule("phrase.full", StorageFull, &[
        "(mailbox|mail box|inbox|account|user|quota|mailfolder|boite|disk|storage|space|system|folder) .. (is|are|was|has) .. (full|exceeded|over quota|stuffed|overquota|too many mails|too many messages)",
        "(mailbox|mail box|inbox|maildrop|disk|storage|filesystem|file system|mail system|user|account) [is] (full|stuffed|overflow*)",
        "(over|exceed*|out of) [its|his|the|their|mail|mailbox|storage|disk|allocated|user] (quota|storage|disk|space|allocation)",
        "(quota|storage allocation|size limit|disk space|storage limit|disk quota) .. (exceed*|reached|full|violat*|over*)",
        "(overquota|quota exceed*|exceeded storage|insufficient [disk|system|storage|free] (space|storage|disk*|resource*|quota))",
        "(not enough|no|low on|low|insufficient|lack of) [free|more] (disk|storage|space)",
        "(boite .. pleine|speicherplatz|ueberschritten|postfach .. voll|casella piena|buzon lleno|cuota|kuota|too much mail on the server|zuviele mails)",
        "mailbox .. (size limit|full|quota)",
    ], "552 the mailbox is full"),
    // Nowhere to go.
    rule("phrase.loop", Routing, &["(loop*|hop count|too many hops|too many received)", "maximum hop*", "(hops|received headers) .. (exceed*|too many)", "(exceed*|too many) .. (hops|received)"], "554 mail loop detected"),
    rule("phrase.recipient", MailboxUnavailable, &[
        "(user|recipient*|mailbox|account|address|addressee|recepient|mail address|email address|person|username|alias|subscriber|destinataire|customer|benutzer|usuario|utente|login|member|addresses|users|email) .. (unknown|unavailable|not found|doesnt exist|does not exist|not exist|dont exist|do not exist|doesnot exist|invalid|disabled|inactive|suspended|expired|terminated|discontinued|deactivated|locked|closed|not known|not recognized|not valid|not available|deleted|removed|unallocated|frozen|not listed|no longer|not active|not local|inconnu*|bloque|misspelled|cannot be verified|could not be found|couldnt be found|cannot be found|not in recipient list|nonexistent|non existent|undeliverable|not allowed|restricted|invalide|unbekannt|not a member|blocked|has changed|not our|isnt valid) + !domain + !sender + !host + !from address + !ip",
        "(cant|cannot|unable to|could not|couldnt|failed to) verify [the] (recipient*|user*|address*|mailbox*)",
        "unknown local part",
        "(recipient|rcpt) [is] not accepted",
        "(unknown|invalid|no such|no valid|not a valid) [local|final|destination|email|mail|smtp|virtual] (user*|recipient*|mailbox*|account*|address*|addressee|person|mailhost|username|name|destination|rcpt) + !sender + !domain",
        "(bad|nonexistent|non existent|inactive|disabled|unavailable|undeliverable|unallocated|unrecognized|expired|suspended|blank|not an active|nosuch|not a known|unkown) (user*|recipient*|mailbox*|account*|address*|addressee|person|mailhost|username|name|destination|rcpt) + !sender + !domain",
        "(doesnt|does not|not|dont) have [a|an|any] .. (account|mailbox|address)",
        "no (mailbox|user|account|recipient|one|such user|such mailbox|such person|such address|such recipient) [here|by|with|exists|found|available]",
        "not our customer",
        "(user|mailbox) .. (reject*|refused|denied) + !sender + !access denied + !spam + !polic* + !sorry",
        "all recipient* .. (invalid|rejected|refused)",
        "(address|addressee|recipient|user) (unknown|reject|incorrect|error) + !sender",
        "(account|mailbox|user|address|recipient) [has been|is|was|currently|temporarily] (disabled|suspended|inactive|locked|blocked|frozen|unavailable|restricted|deactivated|expired|terminated|closed) + !sender",
        "(relocated|has moved|user moved|mailbox moved|no longer (here|on server|with|employed|available|accept*|valid|in use|exists|active))",
        "(adresse .. (destinataire|invalide)|destinataire .. (invalide|inconnu))",
        "bad_recipient",
        "domain owner .. not",
    ], "550 no such user here"),
    rule("phrase.domain", Routing, &[
        "(domain|host|mx|destination|system) .. (not found|unknown|unreachable|not reachable|does not exist|doesnt exist|not exist|not local|not hosted|not served|not handled|not configured|disabled|no longer|does not accept|not accept mail|has changed|not recognized|unroutable|unrouteable) + !sender* + !from + !mailfrom",
        "(unknown|no such|invalid|unroutable|unrouteable|bad) (domain|host|destination host|mx) + !sender + !from",
        "(no|null) (mx|route|such domain) + !sender*",
        "(misrouted|not routable|cannot route|unable to route)",
        "does not accept mail",
        "account inbound* disabled",
        "(host|network|server|destination) [is] [not|un] reachable",
    ], "550 the domain does not exist"),
    // Who sends.
    rule("phrase.sender", SenderRejected, &[
        "(sender|from|mailfrom|mail from|return path|envelope from|from address|from domain|originator|envelope sender) .. (invalid|not exist*|does not exist|doesnt exist|not found|unresolvable|not verified|not valid|rejected|refused|not allowed|unverified|verify|verification|verified|blocked|unknown|denied|not owned|must|not resolve|bad|malformed|no mx|syntax|mismatch|not permitted|not accepted|not a)",
        "(invalid|unknown|bad|unresolvable|unverified|illegal|null|unregistered) (sender*|from|mailfrom|mail from|return path|envelope from|rfc .. from|originator)",
        "(email address|identity|identities|sender signature|sending domain) .. (not verified|not been verified|fail*|not configured|unconfigured|unregistered)",
        "(invalid|no|missing) dns (mx|a|mx or a)",
        "(sender|from) domain",
        "cannot send as",
        "permission* to send as",
    ], "550 sender address invalid"),
    // What is in it.
    rule("phrase.content", ContentRejected, &[
        "(spam*|junk*|unsolicited|bulk mail|bulk email|ube|uce|spamassassin|phish*|virus*|malware|infected|trojan|worm|spamtrap)",
        "(message|mail|email|content|body|subject|attachment*|header*|url*|link*) .. (content*|blocked due|suspicious|harmful|malicious|malformed|prohibited|illegal|executable|offensive|potential|denied content|guideline*|duplicate)",
        "(contain*|blocked|banned|prohibited|dangerous|executable|illegal|forbidden) .. (attachment*|file type|extension)",
        "content (reject*|filter*|polic*|denied|restrict*|block*|check*|examin*|scan*|violat*|not allowed)",
        "(message|mail|email|size|attachment|body|data|file) .. (too (large|big|long)|exceed* .. (size|limit*|maximum)|size limit|larger than|over [the] size|oversized)",
        "(exceed*|over) .. (message size|size limit|maximum size|max size|mailsize|maximum message|fixed maximum)",
        "(too (large|big) message|message length exceed*|maximum email size)",
        "(header*|from header|date header|subject) .. (missing|invalid|error|malformed|duplicate|not accepted|not rfc|not compliant|required|multiple)",
        "(missing|invalid|multiple|duplicate|no valid) .. header*",
        "(attachment|file type|filetype|extension) .. (not allowed|blocked|prohibited|reject*|illegal|denied)",
        "(8bit|8 bit|non ascii|nul|null byte|bare lf|mime) .. (not allowed|invalid|error|violat*|reject*)",
        "(message refused|mail data refused|message filtered|invalid data in message|malformed message)",
        "not (rfc|in compliance with rfc) [822|2822|5322] compliant",
    ], "550 this message looks like spam"),
    // Too slow.
    rule("phrase.timeout", Timeout, &["(timeout|time out|timed out|timedout)", "idle (too long|for too long|time|limit)", "(connection time|session time|time limit) .. (exceed*|limit*|expired)", "(connection|session) (expired|has expired)", "exceeded allowable connection time", "inactivity"], "421 you were idle too long"),
    // What was said wrongly.
    rule("phrase.protocol", ProtocolError, &[
        "(command*|syntax|parameter*|argument*|sequence|pipelin*|protocol|verb) .. (unrecognized|unknown|error*|invalid|not implemented|unimplemented|not recognized|not supported|violation|bad|too many|not expected|unexpected|out of sequence|too long|synchronization|incorrect|not understood|wrong)",
        "(unrecognized|unknown|bad|invalid|unimplemented|unsupported|unexpected|too many .. bad|wrong|illegal|improper) .. (command*|syntax|sequence|verb|pipelining|protocol)",
        "(helo|ehlo|hello|mail|rcpt|data|starttls) [command|from|to] first",
        "(send|say|expecting|use|need|expected) (helo|ehlo|hello|mail from|rcpt) [hello|helo|ehlo]",
        "too many errors",
        "syntax error",
        "(nested|duplicate) (mail|helo|ehlo)",
        "(not implemented|out of order|bad sequence)",
        "(already|no|not) .. (transaction|identified|in progress)",
        "(bare lf|bare newline|line too long|line length)",
    ], "503 bad sequence of commands"),
    // Their own trouble.
    rule("phrase.system", SystemProblem, &[
        "(server|service|system|host|site|mta|daemon|smtp) .. (busy|overload*|unavailable|not available|down|shutting down|maintenance|problem|failure|error|malfunction|too busy|starting|restart*|not active|not ready|trouble|stopp*|paused|not responding) + !policy",
        "(temporary|temporarily|internal|system|server|local|transient|unexpected|technical) .. (error*|failure*|failed|problem*|fault|trouble|issue*|shortage|outage)",
        "(operating system|database|dns|queue|spool|disk|io|resource*|configuration|config|processing|upstream|backend|ldap|lookup|license) (error*|failure|failed|problem*|fault|trouble|unavailable|timeout|expired|exhausted|temporarily)",
        "(load average|system load|server load|load) .. (high|too|exceed*)",
        "(high|too much|heavy|excessive) [system|server] load",
        "(overload*|out of memory|low memory|too busy|shutting down|shutdown|maintenance|insufficient [system] resources|no resources|resources (temporarily|unavailable|exhausted|not available))",
        "resources [are] (temporarily|not|un*)",
        "(error|failed|failure|unable|cannot|could not|problem) [in|to|while|when|at|during] (writing|write|creat*|open*|process*|lock*|queue|connect*|contact*|reach*|resolv*|lookup|replicat*|access*|stor*|spool*|sav*|accept* connection)",
        "(died|crash*) .. signal",
        "(connect*|remote|upstream|backend) .. connection (refused|reset|lost|failed|timed out)",
        "connection (closed abruptly|reset|lost|failed)",
        "(mail|mail system|delivery) (system) (error|failure|problem)",
        "(service|server) closing",
        "closing (connection|transmission channel|channel) $",
        "^ busy",
        "(error here|server error|resources temporarily|license expired)",
        "dns .. (timeout|error|fail*)",
        "(temporary|temporarily) (domain|dns|failure) failure",
    ], "421 the server is overloaded"),
    // A rule that keeps its reason to itself.
    rule("phrase.policy", PolicyRejected, &[
        "polic*",
        "(administrative|administratively|administrator) .. (prohibit*|denied|reject*|block*|refus*)",
        "access .. (denied|rejected|refused|forbidden|not allowed|prohibited)",
        "(not (authorized|permitted|allowed|accepting|welcome)|no permit|forbidden|prohibited|unauthorized|denied by|go away|restrict*)",
        "(client host|host|connection*|client|sender|message|mail|email) .. (rejected|refused|denied|prohibited|not accepted|not allowed|blocked|barred|dropped)",
        "(envelope|block*|banned|blocked) .. (blocked|user entry|temporarily|by [this] user|by recipient|by [the] administrator|by admin)",
        "(blocked|banned|rejected) (by|due|for|at) .. (administrator|admin|site|local|security|domain|user|rule)",
        "(receiving|recipient|domain) .. too many bounces",
        "try (that|primary|the other|another|the primary) (server|mx|host)",
        "primary mx",
        "(abuse|security) [team|reason*|violation|issue]",
        "block*",
    ], "550 rejected by local policy"),
    // Postfix puts these words before whatever its policy services say.
    rule(
        "phrase.recipient.rejected",
        MailboxUnavailable,
        &["(recipient*|rcpt) .. (reject*|refused|denied) + !later"],
        "550 <a@example.net>: Recipient address rejected: example.net",
    ),
];
