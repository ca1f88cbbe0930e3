//! Words that say the cause whoever writes them, and that others would misread: a filter that is down
//! speaks of viruses, a limit on connections refuses an address, and neither is about a list or the
//! message. They are asked before every other phrase.

use super::super::Cause::*;
use super::Rule;
use super::phrases::rule;

pub(super) const RULES: &[Rule] = &[
    // The words of greylisting mean nothing else, unless it is the part that broke.
    rule(
        "phrase.greylist.named",
        Greylisted,
        &[
            "(greylist*|graylist*|postgrey|sqlgrey|gray list*|grey list*|greylst) + !unavailable \
             + !server error",
            "(triplet|triplets) + !unavailable",
            "(first|initial) (attempt|contact|delivery attempt)",
            "(not|never|havent|first) .. (from|by) you before",
            "(server|host|client|sender|you) .. (unknown|not [yet] known|new) .. (retry|try again|\
             resend|again in|come back) + !user + !recipient* + !error",
            "(not|never|havent|hasnt) [been] seen .. before",
            "(new|first time|unknown) (sender|client|relationship|server) .. (retry|try again|\
             later|wait|resend|come back)",
        ],
        "451 new triplet, come back later",
    ),
    // A part of theirs, named, that does not work.
    rule(
        "phrase.part",
        SystemProblem,
        &[
            "(filter|filters|scanner|scanning|antivirus|anti virus|anti spam|antispam|milter|\
             clamav|clamd|amavis|spamd|rspamd|spamassassin|policy (server|service|daemon)|\
             (authentication|auth|ldap|radius|verification|directory|database|backend|storage|\
             mailbox|imap|lmtp|delivery|destination mail) (server|service|store|backend)|\
             (mail|message) store|greylist* (server|service|daemon)) .. (unavailable|not \
             available|temporarily (down|not)|not responding|not running|timed out|timeout|down|\
             offline|unreachable|error|failure|connection refused|did not (respond|answer|accept)|\
             not reachable|out of order) + !unauthenticated + !spf + !loop*",
            "(cannot|could not|couldnt|unable to|failed to|error|problem|cant) .. (connect*|contact*|\
             reach*|talk*|query*|access*|communicat*) .. (filter*|scanner|antivirus|milter|policy|\
             database|ldap|backend|directory|authentication|mailbox store|mail store|mailstore|\
             storage|lmtp|queue|user verification)",
            "(process|processes|memory|thread) (limit|limits|shortage)",
            "(out of|not enough|no more|insufficient) (processes|memory|threads|ram|workers)",
            "(policy|filter|scanner|greylist*) (service|server|daemon|database) (problem|unavailable|\
             trouble|issue)",
            "(connection|link|connect) to [the|our] (backend|back end|database|upstream|store|\
             storage) .. (lost|failed|closed|refused|down)",
            "[recipient address rejected] (service|server|system) is [currently|temporarily] \
             (unavailable|not available|down)",
            "(experiencing|having) .. (problems|trouble|issues|difficulties|outage)",
            "(spam|virus|scan|scanning|filtering|content|policy) (engine|service|daemon|backend|\
             process) .. (not|unavailable|down|error|fail*|busy|timed out|timeout)",
            "(internal|temporary) (lookup|verification|validation|database) (error|failure|problem)",
            "error during (mail|message|local)",
            "(recipient|user|address|account|sender) (verification|validation|lookup|check) .. \
             (unavailable|not available|temporarily|timed out|error|try again)",
        ],
        "451 the virus scanner is not available now",
    ),
    // A limit on what is open at once, whatever is refused because of it.
    rule(
        "phrase.connections.named",
        TooManyConnections,
        &[
            "(too many|too much|maximum number of|max number of|excessive number of|number of) .. \
             (connect|connects|connection*|session*|clients|processes|threads|users connected|\
             connected users) + !time + !lifetime + !duration + !message* + !recipient* + \
             !error* + !fail* + !command* + !auth* + !mails + !rcpt* + !invalid + !unknown",
            "(excess|excessive|fewer|any more|no more|many) (connections|sessions) + !per",
            "(connection|session) (table|pool|queue) (full|exhausted|overflow)",
            "connect* rate [is] (exceed*|too|limit*)",
            "too many (parallel|simultaneous|concurrent) + !recipient*",
            "(max*|maximum) .. (connection*|sessions|clients) + !time + !lifetime + !duration + \
             !message* + !recipient* + !mails",
            "(no|out of|all|no more) (slot*|lines|\
             connections|ports) [are|is|left] (busy|free|left|available|used|taken|in use|at this \
             time|occupied)",
            "no [more] (free|available) [smtp|connection] (slot*|lines|connections)",
            "(slot*|connections) [are] (exhausted|occupied|all used)",
        ],
        "554 refused: too many concurrent connections from your IP",
    ),
    rule(
        "phrase.session.time",
        Timeout,
        &[
            "(session|connection|transaction|client|you) .. (took|taking|open|idle|lasted|held \
             open|been) [for] (too long|longer) + !line + !header*",
            "(no|without) (reply|answer|response) from [the|your] client",
            "too slow",
            "(session|connection|transaction) (time|duration|lifetime|age) .. (exceed*|limit*|\
             reached|expired|too long)",
            "(max*|maximum) (session|connection|transaction) (time|duration|lifetime|age)",
            "(no|without) (command|commands|input|data|activity|mail transaction) (received|\
             seen|for|in|within|from client)",
        ],
        "421 the session took too long",
    ),
];
