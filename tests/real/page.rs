//! The pages in Chromium: sizes, colours, keyboard, names for those who listen, hostile text, and
//! many targets. Pictures of all are kept for a person to look at.

use std::fmt::Write;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{Browser, Exporter, Fake, http_get, keep, wait_for};

/// Every text's contrast with what is behind it (WCAG 2.2, 1.4.3), the worst first: those below 4.5.
const CONTRAST: &str = r"
(() => {
  const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = colour => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const part = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = element => {
    for (; element; element = element.parentElement) {
      const colour = rgba(getComputedStyle(element).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [], seen = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !element.checkVisibility()
        || element.closest('script, style, title')) continue;
    const text = getComputedStyle(element).color;
    const [a, b] = [light(rgba(text)), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    seen.add(text);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${text} ${walk.currentNode.data.trim().slice(0, 40)}`);
  }
  return { found: [...new Set(found)].sort(), colours: seen.size };
})()";

/// What is wrong with the page's structure for those who cannot see it.
const STRUCTURE: &str = r"
(() => {
  const wrong = [];
  for (const [landmark, count] of [['main', 1], ['header', 1], ['nav', 1], ['h1', 1]]) {
    const there = document.querySelectorAll(landmark).length;
    if (there !== count) wrong.push(`${there} of ${landmark}`);
  }
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) wrong.push(`h${level} is followed by ${heading.outerHTML.slice(0, 80)}`);
    level = next;
  }
  const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
  if (new Set(ids).size !== ids.length) wrong.push('an id is there twice');
  for (const element of document.querySelectorAll('[aria-labelledby]')) {
    if (!document.getElementById(element.getAttribute('aria-labelledby'))) {
      wrong.push(`nothing labels ${element.outerHTML.slice(0, 80)}`);
    }
  }
  for (const picture of document.querySelectorAll('svg')) {
    if (!picture.getAttribute('aria-label') && picture.getAttribute('aria-hidden') !== 'true') {
      wrong.push(`no words for ${picture.outerHTML.slice(0, 80)}`);
    }
  }
  for (const input of document.querySelectorAll('input')) {
    if (!input.labels?.length) wrong.push(`no label for ${input.outerHTML}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) {
    wrong.push(`${document.documentElement.scrollWidth} wide in ${innerWidth}`);
  }
  return wrong;
})()";

/// A page as a person with some window sees it: nothing is wrong, and a picture is kept.
fn look(browser: &mut Browser, url: &str, width: u32, height: u32, scheme: &str, picture: &str) {
    browser.window(width, height, scheme);
    browser.go(url);
    assert_eq!(browser.eval(STRUCTURE), json!([]), "{picture}");
    let contrast = browser.eval(CONTRAST);
    assert_eq!(contrast["found"], json!([]), "{picture}");
    assert!(contrast["colours"].as_u64().unwrap() >= 3, "{picture}: {contrast}");
    browser.picture(picture, true);
    assert_eq!(browser.complaints, Vec::<String>::new(), "{picture}");
}

/// Tab after Tab from the top: what has the focus, until it leaves the page.
fn walk(browser: &mut Browser) -> Vec<String> {
    browser.eval("document.activeElement.blur(); scrollTo(0, 0); getSelection().removeAllRanges()");
    let mut met: Vec<String> = Vec::new();
    loop {
        browser.press("Tab", 9);
        let now = browser.eval(
            "(() => {
               const at = document.activeElement;
               if (!at || at === document.body) return null;
               const style = getComputedStyle(at);
               const shown = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
               return (shown ? '' : 'no outline: ') + at.tagName + ' '
                 + (at.getAttribute('href') || at.id || at.textContent.trim());
             })()",
        );
        match now {
            Value::String(now) if met.len() < 200 => met.push(now),
            _ => return met,
        }
    }
}

#[test]
fn pages_look_right_and_work_by_keyboard_alone() {
    let exporter = Exporter::demo("page");
    let base = format!("http://{}", exporter.address);
    wait_for(
        Duration::from_secs(60),
        || {
            let (_, body) = http_get(exporter.address, "/api/v1/targets").ok()?;
            let json: Value = serde_json::from_str(&body).ok()?;
            let measured = json["data"]["limits"][0]["endpoints"][0]["measured"].is_object();
            let (_, body) = http_get(exporter.address, "/api/v1/listings").ok()?;
            let lists: Value = serde_json::from_str(&body).ok()?;
            let told = lists["data"]["counts"]["waiting"] == 0;
            (json["data"]["counts"]["unknown"] == 0 && measured && told).then_some(())
        },
        || "something is still unknown".to_owned(),
    );
    // The login is in the transcript, and its secret is not.
    let secret = smtp_exporter::demo::Auth::default().password;
    for path in ["/targets/submission", "/api/v1/targets/submission"] {
        let page = exporter.page(path);
        assert!(page.contains("AUTH PLAIN ") && page.contains("redacted"), "{page}");
        assert!(!page.contains(&secret), "{page}");
        let login = format!("\0{}\0{secret}", smtp_exporter::demo::Auth::default().username);
        assert!(!page.contains(&STANDARD.encode(login)), "{page}");
    }
    let mut browser = Browser::start("page");
    let (home, target) = (format!("{base}/"), format!("{base}/targets/submission"));
    for (width, height, scheme) in
        [(390, 844, "light"), (390, 844, "dark"), (1280, 900, "light"), (1280, 900, "dark")]
    {
        for (name, url) in [
            ("status", &home),
            ("target", &target),
            ("refused", &format!("{base}/targets/too-many-connections")),
            ("pair", &format!("{base}/targets/pair")),
            ("limit", &format!("{base}/targets/session-limit")),
            ("runbook", &format!("{base}/runbooks/too_many_connections")),
            ("runbooks", &format!("{base}/runbooks")),
            ("missing", &format!("{base}/targets/submision")),
        ] {
            // What is missing is a 404, which the browser's log tells, and nothing else.
            let heard = browser.complaints.len();
            let picture = format!("page-{name}-{width}-{scheme}.png");
            if name == "missing" {
                browser.window(width, height, scheme);
                browser.go(url);
                assert_eq!(browser.eval(STRUCTURE), json!([]));
                browser.picture(&picture, false);
                browser.complaints.retain(|line| !line.contains("404"));
                assert_eq!(browser.complaints.len(), heard, "{:?}", browser.complaints);
            } else {
                look(&mut browser, url, width, height, scheme, &picture);
            }
        }
    }

    browser.go(&home);
    let met = walk(&mut browser);
    assert!(met.len() > 25, "{met:?}");
    assert_eq!(met[0], "A #main", "{met:?}");
    for wanted in [
        "INPUT q",
        "INPUT refresh",
        "A #down",
        "A #block-lists",
        "A /runbooks/not_smtp",
        "A /targets/healthy#module-starttls",
    ] {
        assert!(met.iter().any(|at| at == wanted), "no {wanted} in {met:?}");
    }
    assert!(!met.iter().any(|at| at.starts_with("no outline")), "{met:?}");
    // Those in what is folded away come with unfolding.
    let links = browser.eval(
        "[...document.querySelectorAll('main a')].filter(a => a.checkVisibility())
           .map(a => a.getAttribute('href'))",
    );
    for link in links.as_array().unwrap() {
        let link = format!("A {}", link.as_str().unwrap());
        assert!(met.contains(&link), "{link} is out of reach: {met:?}");
    }
    assert_eq!(browser.eval("document.querySelectorAll('#block-lists .hit').length"), 2);
    assert_eq!(browser.eval("document.querySelectorAll('#block-lists .list').length"), 3);
    browser.eval("document.querySelector('#fold-lists > summary').focus()");
    browser.press("Enter", 13);
    browser.until("document.querySelectorAll('#fold-lists[open] tbody tr').length === 5");
    browser.go(&format!("{base}/targets/session-limit"));
    let limit = browser.eval("document.querySelector('#limits').textContent");
    assert!(limit.as_str().unwrap().contains("7 sessions at once"), "{limit}");
    browser.eval("document.querySelector('a[href=\"/runbooks/too_many_connections\"]').click()");
    browser.until("document.querySelector('h1')?.textContent === 'too_many_connections'");
    // Enter follows a link and unfolds what is folded.
    browser.go(&home);
    browser.eval(
        "document.querySelector('a[href=\"/targets/submission#module-submission\"]').focus()",
    );
    browser.press("Enter", 13);
    browser
        .until("location.pathname === '/targets/submission' && document.readyState === 'complete'");
    browser.eval("document.querySelector('summary').focus()");
    browser.press("Enter", 13);
    browser.until("document.querySelector('details').open");
}

#[test]
fn the_filter_answers_while_typing_and_a_refresh_keeps_the_place() {
    let exporter = Exporter::demo("refresh");
    let base = format!("http://{}", exporter.address);
    exporter.until_successes("submission", "submission", 1);
    let mut browser = Browser::start("refresh");
    // Seconds for half minutes.
    let fast =
        "const real = setInterval; window.setInterval = (what, time) => real(what, time / 30);";
    browser.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": fast}));
    browser.window(1280, 900, "light");
    browser.go(&format!("{base}/"));
    browser.eval("document.getElementById('q').focus()");
    browser.write("relay_check");
    browser.until("document.querySelectorAll('.card, .brief li').length === 2");
    assert_eq!(browser.eval("location.search"), "?q=relay_check");
    assert_eq!(browser.eval("document.activeElement.id"), "q");

    browser.go(&format!("{base}/targets/submission"));
    browser.eval("document.querySelector('summary').focus()");
    browser.press("Enter", 13);
    browser.eval("window.before = document.querySelector('main')");
    browser.until("document.querySelector('main') !== window.before");
    assert_eq!(browser.eval("document.querySelector('details').open"), true);
    assert_eq!(browser.eval("document.activeElement.tagName"), "SUMMARY");
    // Whoever does not want it turns it off.
    browser.eval("document.getElementById('refresh').click()");
    browser.eval("new Promise(done => setTimeout(done, 1500))");
    browser.eval("window.before = document.querySelector('main')");
    browser.eval("new Promise(done => setTimeout(done, 2500))");
    assert_eq!(browser.eval("document.querySelector('main') === window.before"), true);
    assert_eq!(browser.complaints, Vec::<String>::new());

    // Without scripts all is there, and the filter is a form.
    browser.call("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    browser.go(&format!("{base}/?q=relay_check"));
    assert_eq!(browser.eval("document.querySelectorAll('.card, .brief li').length"), 2);
    assert_eq!(browser.eval("document.querySelector('.refresh').checkVisibility()"), false);
    browser.picture("page-without-scripts.png", false);
}

#[test]
fn what_a_hostile_server_says_is_text() {
    let hostile = Fake::hostile();
    let exporter = Exporter::start(
        "hostile",
        &format!(
            "modules:\n  plain: {{port: 25, tls: none}}\n\
             targets:\n  - {{name: \"<b>mx\\\"'&/1\", host: {}, module: plain, interval: 2s}}\n",
            hostile.address
        ),
    );
    let name = "%3Cb%3Emx%22%27%26%2F1";
    exporter.until("<b>mx\"'&/1", Duration::from_secs(20), |_| {
        exporter.page("/api/v1/targets").contains("\"cause\":\"")
    });
    let mut browser = Browser::start("hostile");
    for path in ["/".to_owned(), format!("/targets/{name}"), "/?q=%3Cscript%3E".to_owned()] {
        let url = format!("http://{}{path}", exporter.address);
        look(&mut browser, &url, 1280, 900, "light", "page-hostile.png");
        assert_eq!(browser.eval("typeof window.owned"), "undefined", "{path}");
        assert_eq!(browser.eval("document.querySelectorAll('img, main script, b b').length"), 0);
    }
    browser.go(&format!("http://{}/targets/{name}", exporter.address));
    let said = browser.eval("document.querySelector('main').textContent");
    assert!(said.as_str().unwrap().contains("<script>window.owned=1</script>"), "{said}");
    assert_eq!(browser.eval("document.querySelector('h1').textContent"), "<b>mx\"'&/1");
    // The link on the page of all leads here.
    browser.go(&format!("http://{}/", exporter.address));
    browser.eval("document.querySelector('main h3 a').click()");
    browser.until("document.querySelector('h1')?.textContent === `<b>mx\"'&/1`");
}

#[test]
fn five_hundred_targets_are_one_small_quick_page() {
    let port = Fake::steady_everywhere();
    let mut targets =
        String::from("modules:\n  plain: {tls: none, timeouts: {connect: 2s}}\ntargets:\n");
    for i in 0..500 {
        // Every tenth has nobody who listens.
        let port = if i % 10 == 0 { 1 } else { port };
        let (high, low) = (70 + i / 250, 1 + i % 250);
        writeln!(
            targets,
            "  - {{name: mx{i:03}, host: \"127.0.{high}.{low}:{port}\", module: plain, interval: 10s}}"
        )
        .unwrap();
    }
    let exporter = Exporter::start("many", &targets);
    let counts = |json: &Value| json["data"]["counts"].clone();
    wait_for(
        Duration::from_secs(60),
        || {
            let json: Value = serde_json::from_str(&exporter.page("/api/v1/targets")).ok()?;
            (counts(&json)["up"] == 450 && counts(&json)["down"] == 50).then_some(())
        },
        || exporter.page("/api/v1/targets").chars().take(2000).collect(),
    );
    let page = exporter.page("/");
    assert!(page.len() < 700_000, "{}", page.len());
    let mut browser = Browser::start("many");
    for (width, height) in [(390, 844), (1280, 900)] {
        let url = format!("http://{}/", exporter.address);
        browser.window(width, height, "light");
        browser.go(&url);
        assert_eq!(browser.eval(STRUCTURE), json!([]));
        assert_eq!(browser.eval("document.querySelectorAll('.brief li').length"), 450);
        assert_eq!(browser.eval("document.querySelector('details').open"), false);
        browser.picture(&format!("page-500-{width}.png"), true);
        browser.eval("document.querySelector('summary').click()");
        browser.eval("document.querySelector('details').scrollIntoView({ behavior: 'instant' })");
        browser.picture(&format!("page-500-unfolded-{width}.png"), false);
    }
    let took = browser.eval("performance.getEntriesByType('navigation')[0].duration");
    keep("page-500.txt", &format!("{} bytes, loaded in {took} ms\n", page.len()));
    assert!(took.as_f64().unwrap() < 5000.0, "{took} ms");
    assert_eq!(browser.complaints, Vec::<String>::new());
}
