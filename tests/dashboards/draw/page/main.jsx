// Draws one dashboard as it stands in its file, with Grafana's published components, against a live
// Prometheus: ?dashboard=NAME&prometheus=URL&to=UNIX&theme=dark|light[&scrape=SECONDS][&var-NAME=VALUE].
// Figures, graphs, tables, legends, units, thresholds, mappings, overrides and transformations are
// Grafana's own code. The grid, variables, steps and the state timeline are stand-ins written here.
import React from 'react';
import { createRoot } from 'react-dom/client';
import { lastValueFrom } from 'rxjs';
import {
  applyFieldOverrides, cacheFieldDisplayNames, createTheme, dateTime, displayNameOverrideProcessor, EventBusSrv,
  FieldConfigOptionsRegistry, identityOverrideProcessor, rangeUtil, setLocale, standardFieldConfigEditorRegistry,
  standardTransformers, standardTransformersRegistry, ThemeContext, transformDataFrame,
} from '@grafana/data';
import { GlobalStyles, PanelChrome, PanelContextProvider } from '@grafana/ui';
import { filled, frames as framesOf, problems, variableValues } from './query.js';
import { isEmpty, PANELS } from './panels.jsx';

const asked = new URLSearchParams(location.search);
const theme = createTheme({ colors: { mode: asked.get('theme') } });
const ROW = 38;
const GAP = 8;
const HEAD = 48;

// Grafana's server fills these registries when it starts.
const PLAIN = 'displayName unit min max decimals noValue color mappings thresholds links filterable description fieldMinMax'.split(' ');
const CUSTOM = `width minWidth align cellOptions hidden inspect filterable wrapText wrapHeaderText drawStyle lineWidth lineStyle
  lineInterpolation fillOpacity fillBelowTo gradientMode showPoints pointSize spanNulls insertNulls stacking thresholdsStyle
  axisPlacement axisLabel axisWidth axisSoftMin axisSoftMax axisGridShow axisCenteredZero axisBorderShow axisColorMode
  scaleDistribution barAlignment barWidthFactor hideFrom transform`.split(/\s+/);
const option = (path, isCustom) => ({
  id: isCustom ? `custom.${path}` : path, path, name: path, isCustom, editor: () => null, override: () => null, shouldApply: () => true,
  process: path === 'displayName' ? displayNameOverrideProcessor : identityOverrideProcessor,
});
const fieldOptions = new FieldConfigOptionsRegistry();
for (const path of PLAIN) fieldOptions.register(option(path, false));
for (const path of CUSTOM) fieldOptions.register(option(path, true));
standardFieldConfigEditorRegistry.setInit(() => PLAIN.map((path) => option(path, false)));
standardTransformersRegistry.setInit(() => {
  const known = new Map(Object.values(standardTransformers).map((one) => [one.id, one]));
  return [...known.values()].map((one) => ({ id: one.id, name: one.name, description: '', transformation: one }));
});

class Guard extends React.Component {
  state = {};
  static getDerivedStateFromError(error) { return { error }; }
  componentDidCatch(error) { problems.push(`panel "${this.props.title}" fell over: ${error.message}`); }
  render() { return this.state.error ? <b>{this.state.error.message}</b> : this.props.children; }
}

// JSON has no infinity: what a file calls null is the threshold below everything.
function restoreInfinity({ defaults, overrides }) {
  const all = [defaults.thresholds, ...overrides.flatMap(({ properties }) => properties.filter(({ id }) => id === 'thresholds').map(({ value }) => value))];
  for (const thresholds of all) {
    for (const step of thresholds?.steps ?? []) step.value ??= -Infinity;
  }
}

async function prepared(panel, width, range, values, replace) {
  restoreInfinity(panel.fieldConfig);
  let frames = await framesOf(panel, width, range, values);
  if (panel.transformations?.length) {
    frames = await lastValueFrom(transformDataFrame(panel.transformations, frames, { interpolate: replace }));
  }
  frames = applyFieldOverrides({
    data: frames, fieldConfig: panel.fieldConfig, replaceVariables: replace, theme, timeZone: 'utc', fieldConfigRegistry: fieldOptions,
  });
  cacheFieldDisplayNames(frames);
  return frames;
}

function Panel({ panel, place, frames, range, replace }) {
  const Kind = PANELS[panel.type];
  return (
    <div className="place" data-panel={panel.title} data-type={panel.type} data-empty={isEmpty(panel, frames)} style={place}>
      <PanelChrome width={place.width} height={place.height} title={panel.title} description={panel.description}
        padding={panel.type === 'stat' || panel.type === 'table' ? 'none' : 'md'}>
        {(width, height) => (
          <Guard title={panel.title}>
            <PanelContextProvider value={{ eventsScope: 'global', eventBus: new EventBusSrv() }}>
              {isEmpty(panel, frames)
                ? <div className="nothing">{panel.fieldConfig.defaults.noValue}</div>
                : <Kind {...{ panel, frames, width, height, range, theme, replace, problems }} />}
            </PanelContextProvider>
          </Guard>
        )}
      </PanelChrome>
    </div>
  );
}

function Head({ dashboard, values, range }) {
  const shown = (variable) => (variable.includeAll && values[variable.name] === variable.allValue ? 'All' : values[variable.name]);
  const moment = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
  return (
    <div className="head" style={{ color: theme.colors.text.primary }}>
      <b>{dashboard.title}</b>
      {dashboard.templating.list.map((variable) => <span key={variable.name}><small>{variable.label}</small>{shown(variable)}</span>)}
      <span className="range">{moment(range.from)} to {moment(range.to).slice(11)} UTC</span>
    </div>
  );
}

// Words that their box cuts off. Long names in a table's cells may end in dots; headings may not.
function cutOff() {
  for (const box of document.querySelectorAll('h2, .head span, [role=columnheader], .line')) {
    if (box.scrollWidth > box.clientWidth + 1 && box.textContent) problems.push(`cut off: "${box.textContent.slice(0, 60)}"`);
  }
  for (const box of document.querySelectorAll('[role=gridcell]')) {
    if (box.scrollWidth > box.clientWidth + 1) problems.push(`cut off in a table: "${box.textContent.slice(0, 60)}"`);
  }
}

// A table fills its rows in later than all else, on a busy machine much later.
async function tablesFilled() {
  const bare = () => [...document.querySelectorAll('[data-type=table][data-empty=false]')]
    .filter((one) => !one.querySelector('[role=gridcell]'));
  for (let times = 0; times < 100 && bare().length; times += 1) {
    await new Promise((done) => setTimeout(done, 200));
  }
  bare().forEach((one) => problems.push(`panel "${one.dataset.panel}" has rows and shows none`));
}

async function draw() {
  setLocale?.('en-US');
  document.body.style.background = theme.colors.background.canvas;
  await Promise.all([400, 500].map((weight) => document.fonts.load(`${weight} 12px Inter`)));
  const dashboard = await (await fetch(`/dashboards/${asked.get('dashboard')}.json`)).json();
  const to = Number(asked.get('to'));
  const from = to - rangeUtil.intervalToSeconds(dashboard.time.from.replace('now-', ''));
  const ends = { from: dateTime(from * 1000), to: dateTime(to * 1000) };
  const range = { from, to, moments: { ...ends, raw: ends } };
  const values = await variableValues(dashboard.templating.list, asked, range);
  const replace = (text, scoped) => filled(text, { ...values, ...Object.fromEntries(Object.entries(scoped ?? {}).map(([k, v]) => [k, v?.value])) });
  const wide = innerWidth - 32;
  const column = (wide + GAP) / 24;
  const drawn = await Promise.all(dashboard.panels.map(async (panel) => {
    const { x, y, w, h } = panel.gridPos;
    const place = { left: x * column, top: HEAD + y * ROW, width: w * column - GAP, height: h * ROW - GAP };
    if (panel.type === 'row') return { panel, place };
    try {
      return { panel, place, frames: await prepared(panel, place.width, range, values, replace) };
    } catch (error) {
      problems.push(`panel "${panel.title}": ${error.message}`);
      return { panel, place, frames: [] };
    }
  }));
  const bottom = Math.max(...drawn.map(({ place }) => place.top + place.height));
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles hackNoBackdropBlur />
      <Head {...{ dashboard, values, range }} />
      {drawn.map(({ panel, place, frames }) => (panel.type === 'row'
        ? <div key={panel.id} className="place line" style={{ ...place, color: theme.colors.text.primary }}>▾ {panel.title}</div>
        : <Panel key={panel.id} {...{ panel, place, frames, range, replace }} />))}
      <div style={{ height: bottom - HEAD }} />
    </ThemeContext.Provider>,
  );
  const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  for (let times = 0; times < 8; times += 1) await frame();
  await document.fonts.ready;
  await new Promise((done) => setTimeout(done, 500));
  await tablesFilled();
  cutOff();
}

draw()
  .catch((error) => problems.push(String(error.stack)))
  .finally(() => { window.drawn = { problems }; });
