// node shoot.mjs STORE FOLDER PICTURE...   STORE: where fetched packages are; FOLDER: for pictures.
// A picture is DASHBOARD:WORLD:THEME:WIDTH[xHEIGHT][:TARGET]; with HEIGHT it is cut there. Worlds are
// WORLD=URL[@SCRAPE] in the environment variable WORLDS. Ends with 1 if a picture had a problem, such as words cut off.
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import puppeteer from 'puppeteer-core';

const [store, folder, ...pictures] = process.argv.slice(2);
const here = import.meta.dirname;
const dashboards = process.env.DASHBOARDS;
const end = process.env.END;
const worlds = Object.fromEntries(process.env.WORLDS.trim().split(/\s+/).map((one) => {
  const [, name, url, scrape] = one.match(/^(\w+)=([^@]+)(?:@(\d+))?$/);
  return [name, { url, scrape: scrape ?? '60' }];
}));
const root = path.join(store, 'roots/chromium');
const assets = path.join(here, 'node_modules/@grafana/ui/dist/public');
const types = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html', '.svg': 'image/svg+xml', '.json': 'application/json' };

function fileOf(asked) {
  const font = asked.match(/^\/font\/(\w+)$/) ?? asked.match(/\/fonts\/inter\/Inter-(\w+)\.woff2$/);
  if (font) return path.join(root, `usr/share/fonts/opentype/inter/Inter-${font[1]}.otf`);
  if (asked === '/') return path.join(here, 'page.html');
  if (asked.startsWith('/dashboards/')) return path.join(dashboards, path.basename(asked));
  if (asked.startsWith('/public/')) return path.join(assets, asked.replace(/^\/public\/(build\/)?/, ''));
  return path.join(here, path.basename(asked));
}

const server = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (pathname === '/favicon.ico') return response.writeHead(204).end();
  const file = fileOf(decodeURIComponent(pathname));
  return fs.readFile(file, (error, body) => {
    if (error) return response.writeHead(404).end();
    return response.writeHead(200, { 'content-type': types[path.extname(file)] ?? 'application/octet-stream' }).end(body);
  });
}).listen(0, '127.0.0.1');
await new Promise((done) => { server.once('listening', done); });

const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'dashboards-'));
// The fonts that were fetched, whatever the machine has.
fs.writeFileSync(path.join(profile, 'fonts.conf'), `<?xml version="1.0"?><fontconfig><dir>${path.resolve(root)}/usr/share/fonts</dir><cachedir>${profile}/fonts</cachedir></fontconfig>`);
const browser = await puppeteer.launch({
  executablePath: path.join(root, 'usr/lib/chromium/chromium'),
  userDataDir: profile,
  env: {
    ...process.env,
    HOME: profile,
    FONTCONFIG_FILE: path.join(profile, 'fonts.conf'),
    LD_LIBRARY_PATH: ['usr/lib/chromium', 'usr/lib/x86_64-linux-gnu', 'usr/lib'].map((one) => path.join(root, one)).join(':'),
  },
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-dev-shm-usage', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1', '--hide-scrollbars', '--force-color-profile=srgb'],
});

// Draws and saves one picture; gives what is wrong with it.
async function shoot(picture) {
  const [name, world, theme, size, target] = picture.split(':');
  const [width, cut] = size.split('x').map(Number);
  const { panels } = JSON.parse(fs.readFileSync(path.join(dashboards, `${name}.json`)));
  // As high as the dashboard, since tables draw only what is in view.
  const height = 80 + 38 * Math.max(...panels.map(({ gridPos: { y, h } }) => y + h));
  const page = await browser.newPage();
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(`page: ${error.message}`));
  page.on('console', (said) => { if (said.type() === 'error') wrong.push(`console: ${said.text().slice(0, 300)}`); });
  page.on('response', (answer) => { if (answer.status() >= 400) wrong.push(`${answer.status()} ${answer.url()}`); });
  await page.setViewport({ width, height });
  // The history ends at a fixed time: the page takes it for now.
  await page.evaluateOnNewDocument((now) => {
    const Real = Date;
    const shift = now * 1000 - Real.now();
    window.Date = class extends Real {
      constructor(...given) { if (given.length) super(...given); else super(Real.now() + shift); }
      static now() { return Real.now() + shift; }
    };
  }, Number(end));
  const query = new URLSearchParams({ dashboard: name, prometheus: worlds[world].url, scrape: worlds[world].scrape, to: end, theme });
  if (target) query.set('var-target', target);
  await page.goto(`http://127.0.0.1:${server.address().port}/?${query}`);
  await page.waitForFunction('window.drawn', { timeout: 60000 });
  const said = await page.evaluate(() => ({
    problems: window.drawn.problems,
    panels: document.querySelectorAll('[data-panel]').length,
    empty: [...document.querySelectorAll('[data-empty=true]')].map((one) => one.dataset.panel),
  }));
  wrong.push(...said.problems);
  const wanted = panels.filter(({ type }) => type !== 'row').length;
  if (said.panels !== wanted) wrong.push(`${said.panels} panels of ${wanted} are drawn`);
  const clip = { x: 0, y: 0, width, height: cut || height };
  await page.screenshot({ path: path.join(folder, `${picture.replaceAll(':', '-')}.png`), clip });
  await page.close();
  return [...new Set(wrong)];
}

let bad = 0;
const left = [...pictures];
async function worker() {
  for (let picture = left.shift(); picture; picture = left.shift()) {
    const wrong = await shoot(picture);
    for (const problem of wrong) console.log(`${picture}: ${problem}`);
    bad += wrong.length > 0;
  }
}
try {
  await Promise.all([worker(), worker()]);
} finally {
  await browser.close();
  server.close();
  fs.rmSync(profile, { recursive: true, force: true });
}
console.log(`test result: ${pictures.length - bad} passed; ${bad} failed`);
process.exit(bad ? 1 : 0);
