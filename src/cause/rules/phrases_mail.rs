//! Words that say the cause whoever writes them, continued: the mailbox, the domain, the message,
//! the server's own trouble.

use super::super::Cause::*;
use super::Rule;
use super::phrases::rule;

pub(super) const RULES: &[Rule] = &[
    // What is full.
    rule(
        "phrase.full",
        StorageFull,
        &[
            "(mailbox|mail box|inbox|account|user|quota|mailfolder|boite|disk|storage|space|\
             system|folder) .. (is|are|was|has) .. (full|exceeded|over quota|stuffed|overquota|\
             too many mails|too many messages)",
            "(mailbox|mail box|inbox|maildrop|disk|storage|filesystem|file system|mail system|\
             user|account) [is] (full|stuffed|overflow*)",
            "(over|exceed*|out of) [its|his|the|their|mail|mailbox|storage|disk|allocated|\
             user] (quota|storage|disk|space|allocation)",
            "(quota|storage allocation|size limit|disk space|storage limit|disk quota) .. \
             (exceed*|reached|full|violat*|over*)",
            "(overquota|quota exceed*|exceeded storage|insufficient [disk|system|storage|free] \
             (space|storage|disk*|resource*|quota))",
            "(not enough|no|low on|low|insufficient|lack of) [free|more] (disk|storage|space)",
            "(boite .. pleine|speicherplatz|ueberschritten|postfach .. voll|casella piena|\
             buzon lleno|cuota|kuota|too much mail on the server|zuviele mails)",
            "mailbox .. (size limit|full|quota)",
            "(boite .. (pleine|saturee)|quota depasse|postfach .. (voll|ueberfuellt|uberfullt)|\
             (casella|mailbox) .. piena|(buzon|bandeja) .. (lleno|llena)|caixa .. cheia|(kontingent|\
             quota) .. ueberschritten|postbus vol|skrzynka .. pelna)",
        ],
        "552 exceeded storage allocation",
    ),
    // Nowhere to go.
    rule(
        "phrase.loop",
        Routing,
        &[
            "(loop*|hop count|too many hops|too many received)",
            "maximum hop*",
            "(hops|received headers) .. (exceed*|too many)",
            "(exceed*|too many) .. (hops|received)",
        ],
        "554 mail loop detected",
    ),
    rule(
        "phrase.recipient",
        MailboxUnavailable,
        &[
            "(user|recipient*|mailbox|account|address|addressee|recepient|mail address|email \
             address|person|username|alias|subscriber|destinataire|customer|benutzer|usuario|\
             utente|login|member|addresses|users|email) .. (unknown|unavailable|not found|\
             doesnt exist|does not exist|not exist|dont exist|do not exist|doesnot exist|\
             invalid|disabled|inactive|suspended|expired|terminated|discontinued|deactivated|\
             locked|closed|not known|not recognized|not valid|not available|deleted|removed|\
             unallocated|frozen|not listed|no longer|not active|not local|inconnu*|bloque|\
             misspelled|cannot be verified|could not be found|couldnt be found|cannot be found|\
             not in recipient list|nonexistent|non existent|undeliverable|not allowed|\
             restricted|invalide|unbekannt|not a member|blocked|has changed|not our|isnt \
             valid) + !domain + !sender* + !host + !from address + !ip address",
            "(cant|cannot|unable to|could not|couldnt|failed to) verify [the] (recipient*|\
             user*|address*|mailbox*)",
            "(account|mailbox|user|address) [is] not in use",
            "(cannot|cant|couldnt|could not|unable to) (find|locate) [the|that|this] (user*|\
             mailbox*|recipient*|address*)",
            "unknown or illegal (alias|user|address)",
            "not our (user|customer)",
            "unable to deliver to $",
            "this account is not",
            "unknown local part",
            "(recipient|rcpt) [is] not accepted",
            "(unknown|invalid|no such|no valid|not a valid) [local|final|destination|email|\
             mail|smtp|virtual] (user*|recipient*|mailbox*|account*|address*|addressee|person|\
             mailhost|username|name|destination|rcpt) + !sender* + !domain",
            "(bad|nonexistent|non existent|inactive|disabled|unavailable|undeliverable|\
             unallocated|unrecognized|expired|suspended|blank|not an active|nosuch|not a known|\
             unkown) (user*|recipient*|mailbox*|account*|address*|addressee|person|mailhost|\
             username|name|destination|rcpt) + !sender* + !domain",
            "(doesnt|does not|not|dont) have [a|an|any] .. (account|mailbox|address)",
            "no (mailbox|mail box|user|account|recipient|one|such user|such mailbox|such \
             person|such address|such recipient) [here|by|with|exists|found|available]",
            "not our customer",
            "(user|mailbox) .. (reject*|refused|denied) + !sender* + !access denied + !spam + \
             !polic* + !sorry",
            "all recipient* .. (invalid|rejected|refused)",
            "(address|addressee|recipient|user) (unknown|reject|incorrect|error) + !sender*",
            "(account|mailbox|user|address|recipient) [has been|is|was|currently|temporarily] \
             (disabled|suspended|inactive|locked|blocked|frozen|unavailable|restricted|\
             deactivated|expired|terminated|closed) + !sender*",
            "(relocated|has moved|user moved|mailbox moved|no longer (here|on server|with|\
             employed|available|accept*|valid|in use|exists|active))",
            "(adresse .. (destinataire|invalide)|destinataire .. (invalide|inconnu))",
            "(empfaenger|empfanger|benutzer|nutzer|adresse|postfach|teilnehmer|konto) .. (unbekannt|\
             existiert nicht|nicht (bekannt|gefunden|vorhanden|verfugbar|verfuegbar|existent)|\
             gesperrt|deaktiviert|ungultig|ungueltig) + !ip + !absender",
            "(unbekannter|ungultiger|ungueltiger|kein) (empfaenger|empfanger|benutzer|nutzer|\
             postfach|teilnehmer)",
            "(utilisateur|destinataire|adresse|compte|boite) .. (inconnu*|inexistant*|nexiste pas|\
             existe pas|invalide|desactive*|ferme*|bloque) + !ip + !expediteur",
            "(usuario|destinatario|cuenta|buzon|direccion|conta|endereco) .. (desconocid*|no existe|\
             nao existe|desconhecid*|inexistente|no encontrad*|no valid*|invalid*|deshabilitad*|\
             suspendid*)",
            "(utente|destinatario|casella|indirizzo|account) .. (sconosciut*|inesistente|non esiste|\
             non trovat*|non valid*|non attiv*|disabilitat*|sospes*)",
            "(gebruiker|ontvanger|adres|mottagare|bruger|uzytkownik|uzivatel) .. (onbekend|bestaat \
             niet|okand|ukendt|nieznany|neexistuje|nie istnieje)",
            "mail box (not|does not) exist*",
            "(mailbox|account) [is] [currently] (in use|busy)",
            "(not present|not listed) in .. (directory|book|table|database)",
            "(not|never) [a|an] (valid|local|known|existing|registered) (user|mailbox|recipient|\
             address|account|email)",
            "(mailbox|user|account|address) (not present|missing|removed|deleted|archivee|erased)",
            "(could not|couldnt|cannot|cant|did not) (find|locate|accept|deliver to) [that|this|\
             the|any] (person|user|recipient|name|address|mailbox)",
            "no longer (works|employed|uses)",
            "missing home directory",
            "(wrong|deactivated|terminated|deleted) (recipient|address|mailbox|account|user)",
            "(name|id|recipient) [is] not recogni*",
            "has been replaced by",
            "(no such|unknown|wrong|bad) (id|mail drop|maildrop|inbox|box)",
            "^ (box|mailbox|mail|inbox|id|name) (does not exist|not found|doesnt exist|unknown)",
            "address .. (is wrong|incorrect|mistyped|misspelled|misspelt)",
            "extended inactivity",
            "final [email] delivery point",
            "(nessun utente|dicha persona|boite .. archivee)",
            "(not|isnt) [currently] (accepting any|being accepted for this|accepting mail for this)",
            "bad_recipient",
            "domain owner .. not",
        ],
        "550 no such user here",
    ),
    rule(
        "phrase.domain",
        Routing,
        &[
            "(domain|host|mx|destination|system) .. (not found|unknown|unreachable|not \
             reachable|does not exist|doesnt exist|not exist|not local|not hosted|not served|\
             not handled|not configured|disabled|no longer|not accept mail|has changed|not recognized|unroutable|unrouteable) + !sender* + !from + !mailfrom + !your domain + \
             !return mx",
            "(unknown|no such|invalid|unroutable|unrouteable|bad) (domain|host|destination \
             host|mx) + !sender* + !from",
            "(no|null) (mx|route|such domain) + !sender*",
            "(misrouted|not routable|cannot route|unable to route)",
            "mail exchanger*",
            "(no|find a) gateway for",
            "(unroutable|unrouteable) [mail] domain",
            "name or service not known",
            "(resolve|resolving|find) [a|the] route",
            "[recipient] domain must exist + !sender",
            "(no longer|not|never) (host|hosts|hosting|serve|serves|hosted|served) .. (here|domain|by)",
            "(domain|host) accepts no mail",
            "no longer host",
            "wrong (server|mx|host) for",
            "not [one of] (our|my|ours) domain*",
            "domain .. (suspended|expired|parked|inactive|deactivated|locked)",
            "(lowest numbered mx|mx list|mx record*|relevant mx) .. (points|point|local host|\
             localhost|back|non existent|nonexistent)",
            "(relay|forward) .. to (itself|myself)",
            "dont (host|serve|handle) [this|that|the|mail for]",
            "(domain|host) isnt allowed to receive",
            "find any host (named|by that name)",
            "(unknown|unrecognized) [mail|email|recipient|destination] domain + !sender",
            "does not accept mail + !accept mail from",
            "account inbound* disabled",
            "(host|network|server|destination) [is] [not|un] reachable",
        ],
        "550 the domain does not exist",
    ),
    // Who sends.
    rule(
        "phrase.sender",
        SenderRejected,
        &[
            "(sender|mailfrom|return path|envelope from|from address|from \
             domain|originator|envelope sender) .. (invalid|not exist*|does not exist|doesnt \
             exist|not found|unresolvable|not verified|not valid|rejected|refused|not allowed|\
             unverified|verify|verification|verified|blocked|unknown|denied|not owned|must|not \
             resolve|bad|malformed|no mx|syntax|mismatch*|not permitted|not accepted|not a) + \
             !from your + !from this + !from header + !header from",
            "(from|sender) address is [not|blocked|refused|rejected]",
            "mail from (must|not|is|invalid|rejected|refused|denied|address|command|verif*)",
            "(not|never) [e] send* [mail|email] as",
            "(invalid|unknown|bad|unresolvable|unverified|illegal|null|unregistered) (sender*|\
             from|mailfrom|mail from|return path|envelope from|rfc .. from|originator)",
            "(email address|identity|identities|sender signature|sending domain) .. (not \
             verified|not been verified|fail*|not configured|unconfigured|unregistered)",
            "(invalid|no|missing) dns (mx|a|mx or a)",
            "(sender|from) domain",
            "cannot send as",
            "(empty|null|blank) [envelope|return] (sender*|from|path|reverse path)",
            "(bogus|fake|forged|nonexistent) (mail from|sender|return)",
            "(verify|verifying|validate) [the|your] (sender|return|from)",
            "(your domain|return mx) .. (not exist|not found|not resolve|unknown|invalid|no mx)",
            "(unroutable|unrouteable|undeliverable|unresolvable|nonexistent) sender*",
            "(right|rights|permission*|allowed|authorized) to use .. (from|sender|address|domain)",
            "(absender*|expediteur|remitente|mittente|remetente) .. (unbekannt|ungultig|ungueltig|\
             abgelehnt|nicht|invalide|refuse|inconnu|rechazad*|invalid*|non valid*|desconocid*|\
             rifiutat*|sconosciut*|rejeitad*|inexistant)",
            "sender* [address] must (contain|have|be)",
            "(permission*|not allowed|not authorized|not permitted|cannot|cant) to send .. as",
        ],
        "550 sender address invalid",
    ),
    // What is in it.
    rule(
        "phrase.content",
        ContentRejected,
        &[
            "(spam*|junk*|unsolicited|bulk mail|bulk email|ube|uce|spamassassin|phish*|virus*|\
             malware|infected|trojan|worm|spamtrap)",
            "(message|mail|email|content|body|subject|attachment*|header*|url*|link*) .. \
             (content*|blocked due|suspicious|harmful|malicious|malformed|prohibited|illegal|\
             executable|offensive|potential|denied content|guideline*|duplicate)",
            "(contain*|blocked|banned|prohibited|dangerous|executable|illegal|forbidden) .. \
             (attachment*|file type|extension)",
            "(bogofilter|dspam|spamd|razor|pyzor|dcc)",
            "too much (mail|message) data",
            "(breaches|violates) .. uribl",
            "(suspicious|malicious|bad|dangerous|blocked|forbidden) (url*|link*|word*|attachment*|\
             file*|content)",
            "(due to|because of) [its|the|message|bad|offensive|forbidden] content",
            "(contain*|has|with) [a|an|forbidden|bad|blocked] (macro*|url*|link*|word*|phrase*|\
             attachment*)",
            "(zip|exe|rar|iso|archive) (files|attachments)",
            "(antispam|anti spam|dlp|content) (check*|test*|scan*|filter*)",
            "(message|mail|email) .. (this subject|this attachment|advertis*|mass mailer)",
            "attachment* .. (refused|rejected|not|denied|blocked|forbidden)",
            "(banned|forbidden|blocked|prohibited|dangerous) (file*|filename*|name*|type*|content*)",
            "(exe|zip|scr|executable|executables|macro|macros) (attachment*|file*|are not|not \
             allowed)",
            "(message|mail|email) .. scored",
            "(spam|junk) (score|level|probability|points|index)",
            "without [a|an|valid] (message id|date|from|subject|header*)",
            "(from header|header from|header) .. (without|invalid|not valid|no valid|malformed|too \
             (large|long|big))",
            "headers (too|are too) (large|long|big|many)",
            "(max*|maximum) [allowed] line (length|size)",
            "(unerwuenscht*|spam verdacht|spamverdacht|courrier indesirable|correo no deseado|\
             indesirable)",
            "(password protected|encrypted) (archive|zip|file|attachment)",
            "line (limit|length) [is] exceed*",
            "content (reject*|filter*|polic*|denied|restrict*|block*|check*|examin*|scan*|\
             violat*|not allowed)",
            "(message|mail|email|size|attachment|body|data|file) .. (too (large|big|long)|\
             exceed* .. (size|limit*|maximum)|size limit|larger than|over [the] size|oversized)",
            "(exceed*|over) .. (message size|size limit|maximum size|max size|mailsize|maximum \
             message|fixed maximum)",
            "(too (large|big) message|message length exceed*|maximum email size)",
            "(header*|from header|date header|subject) .. (missing|invalid|error|malformed|\
             duplicate|not accepted|not rfc|not compliant|required|multiple)",
            "(missing|invalid|multiple|duplicate|no valid) .. header*",
            "(attachment|file type|filetype|extension) .. (not allowed|blocked|prohibited|\
             reject*|illegal|denied)",
            "(8bit|8 bit|non ascii|nul|null byte|bare lf|mime) .. (not allowed|invalid|error|\
             violat*|reject*)",
            "(message refused|mail data refused|message filtered|invalid data in message|\
             malformed message)",
            "not (rfc|in compliance with rfc) [822|2822|5322] compliant",
        ],
        "550 this message looks like spam",
    ),
    // Too slow.
    rule(
        "phrase.timeout",
        Timeout,
        &[
            "(timeout|time out|timed out|timedout)",
            "idle (too long|for too long|time|limit)",
            "(connection time|session time|session lifetime|time limit) .. (exceed*|limit*|\
             expired)",
            "(connection|session) (expired|has expired)",
            "exceeded allowable connection time",
            "inactivity + !mailbox + !account",
        ],
        "421 the session has expired",
    ),
    // What was said wrongly.
    rule(
        "phrase.protocol",
        ProtocolError,
        &[
            "(command*|syntax|parameter*|argument*|sequence|pipelin*|protocol|verb) .. \
             (unrecognized|unknown|error*|invalid|not implemented|unimplemented|not recognized|\
             not supported|violation|bad|too many|not expected|unexpected|out of sequence|too \
             long|synchronization|incorrect|not understood|wrong)",
            "(unrecognized|unknown|bad|invalid|unimplemented|unsupported|unexpected|too many \
             .. bad|wrong|illegal|improper) .. (command*|syntax|sequence|verb|pipelining|\
             protocol)",
            "(helo|ehlo|hello|mail|rcpt|data|starttls) [command|from|to] first",
            "(send|say|expecting|use|need|expected) (helo|ehlo|hello|mail from|rcpt) [hello|helo|\
             ehlo]",
            "too many errors",
            "pipelining",
            "(talk*|data|sent|input|speak*|wrote) .. before [the|my|our] (greeting|banner|welcome)",
            "(garbage|binary|unexpected) (received|input|data|bytes)",
            "(starttls|command|helo|ehlo) .. (repeated|already|twice|again)",
            "syntax error",
            "(nested|duplicate) (mail|helo|ehlo)",
            "(not implemented|out of order|bad sequence)",
            "(already|no|not) .. (transaction|identified|in progress)",
            "(bare lf|bare newline|line too long|line length)",
        ],
        "503 bad sequence of commands",
    ),
    // Their own trouble.
    rule(
        "phrase.system",
        SystemProblem,
        &[
            "(server|service|system|host|site|mta|daemon|smtp) .. (busy|overload*|unavailable|\
             not available|down|shutting down|maintenance|problem|failure|error|malfunction|\
             too busy|starting|restart*|not active|not ready|trouble|stopp*|paused|not \
             responding) + !policy",
            "(temporary|temporarily|internal|system|server|local|transient|unexpected|\
             technical) .. (error*|failure*|failed|problem*|fault|trouble|issue*|shortage|\
             outage)",
            "(queue|spool) [is] (full|too (long|large|big))",
            "[system] resources [are] [too] (low|scarce|short|exceeded)",
            "congest*",
            "(going offline|failing over|technical difficult*|misconfigured)",
            "(encountered|hit|experiencing) [a|an] [technical|internal] (error|problem|issue)",
            "(too many open files|too many files)",
            "(queue manager|delivery agent|mailer|mail system) .. (not|busy|error|fail*)",
            "(unable to|cannot|could not|couldnt|cant) (start|fork|load|initialize|initialise|\
             execute|exec|run|spawn|allocate|complete|obtain|handle|create|open|store|queue)",
            "(primary target ip|attempted failover)",
            "(out of|low on|lack of) (memory|resources|file descriptors|swap|cpu)",
            "(wartung*|ueberlastet|uberlastet|vorubergehend|voruebergehend|surcharge|indisponible|\
             no disponible|fuera de servicio|non disponibile|manutenzione|mantenimiento)",
            "(operating system|database|dns|queue|spool|disk|io|resource*|configuration|config|\
             processing|upstream|backend|ldap|lookup|license) (error*|failure|failed|problem*|\
             fault|trouble|unavailable|timeout|expired|exhausted|temporarily)",
            "(load average|system load|server load|load) .. (high|too|exceed*)",
            "(high|too much|heavy|excessive) [system|server] load",
            "(overload*|out of memory|low memory|too busy|shutting down|shutdown|maintenance|\
             insufficient [system] resources|no resources|resources (temporarily|unavailable|\
             exhausted|not available))",
            "resources [are] (temporarily|not|un*)",
            "(error|failed|failure|unable|cannot|could not|problem) [in|to|while|when|at|\
             during] (writing|write|creat*|open*|process*|lock*|queue|connect*|contact*|reach*|\
             resolv*|lookup|replicat*|access*|stor*|spool*|sav*|accept* connection)",
            "(died|crash*) .. signal",
            "crashed",
            "insufficient memory",
            "(connect*|remote|upstream|backend) .. connection (refused|reset|lost|failed|\
             timed out)",
            "connection (closed abruptly|reset|lost|failed)",
            "(mail|mail system|delivery) (system) (error|failure|problem)",
            "(service|server) closing",
            "socket error",
            "(scanner|antivirus|anti virus|clamav|milter) .. (unavailable|fail*|error|not \
             available|down|timed out)",
            "(system|server|host) [is] not accepting (mail|messages|network)",
            "^ busy",
            "(error here|server error|resources temporarily|license expired)",
            "dns .. (timeout|error|fail*)",
            "(temporary|temporarily) (domain|dns|failure) failure",
        ],
        "421 the server is overloaded",
    ),
];
