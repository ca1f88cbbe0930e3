// Variables, and the answers of Prometheus as the data frames that Grafana's data source makes of them.
import { FieldType, rangeUtil } from '@grafana/data';

export const problems = [];
const SCRAPE = Number(new URLSearchParams(location.search).get('scrape') || 60);
const prometheus = new URLSearchParams(location.search).get('prometheus');

async function ask(path, query) {
  const answer = await (await fetch(`${prometheus}/api/v1/${path}?${new URLSearchParams(query)}`)).json();
  if (answer.status !== 'success') throw new Error(answer.error);
  return answer.data;
}

const NAMED = /\$\{(\w+)(?::(\w+))?\}|\$(\w+)/g;

// What stands for a variable. Names that are not variables are left alone: `$1` is PromQL's own.
export function filled(text, values) {
  return String(text ?? '').replace(NAMED, (whole, long, format, short) => {
    const value = values[long ?? short];
    if (value === undefined) return whole;
    if (format === 'queryparam') return `var-${long}=${encodeURIComponent(value)}`;
    return format === 'percentencode' ? encodeURIComponent(value) : value;
  });
}

export async function variableValues(variables, chosen, range) {
  const values = {};
  for (const variable of variables) {
    const given = chosen.get(`var-${variable.name}`);
    if (variable.type === 'datasource') values[variable.name] = 'Prometheus';
    else if (given) values[variable.name] = given;
    else if (variable.type === 'textbox') values[variable.name] = variable.query;
    else {
      const [, match, label] = filled(variable.query.query, values).match(/^label_values\((.+),\s*(\w+)\)$/s);
      const found = await ask(`label/${label}/values`, { 'match[]': match, start: range.from, end: range.to });
      values[variable.name] = variable.includeAll ? variable.allValue : (found[0] ?? '');
    }
  }
  return values;
}

const number = (text) => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text));

// The distance of two points, as Grafana chooses it from the panel's width.
function stepOf(panel, width, range) {
  const least = panel.interval ? rangeUtil.intervalToSeconds(panel.interval) : SCRAPE;
  const wanted = rangeUtil.roundInterval(((range.to - range.from) * 1000) / Math.max(width, 100)) / 1000;
  return Math.max(least, wanted);
}

function timeField(values) {
  return { name: 'Time', type: FieldType.time, config: {}, values };
}

function tableFrame(target, result, single) {
  const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const columns = labels.map((label) => ({
    name: label,
    type: FieldType.string,
    config: { filterable: true },
    values: result.map(({ metric }) => metric[label] ?? ''),
  }));
  const value = {
    name: single ? 'Value' : `Value #${target.refId}`,
    type: FieldType.number,
    config: {},
    values: result.map(({ value: [, text] }) => number(text)),
  };
  const times = timeField(result.map(({ value: [time] }) => time * 1000));
  return { refId: target.refId, length: result.length, fields: [times, ...columns, value] };
}

// One frame per series; where a series has no point there is a gap.
function seriesFrames(target, result, range, step) {
  const start = Math.floor(range.from / step) * step;
  return result.map((series) => {
    let points = [series.value];
    if (series.values) {
      const known = new Map(series.values.map(([time, text]) => [Math.round(time), text]));
      points = [];
      for (let time = start; time <= range.to; time += step) points.push([time, known.get(time) ?? null]);
    }
    const legend = target.legendFormat?.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => series.metric[label] ?? '');
    const value = {
      name: 'Value',
      type: FieldType.number,
      labels: series.metric,
      config: legend ? { displayNameFromDS: legend } : {},
      values: points.map(([, text]) => (text === null ? null : number(text))),
    };
    return { refId: target.refId, name: legend, length: points.length, fields: [timeField(points.map(([time]) => time * 1000)), value] };
  });
}

export async function frames(panel, width, range, values) {
  const step = stepOf(panel, width, range);
  const seconds = range.to - range.from;
  const own = { ...values, __rate_interval: `${Math.max(step + SCRAPE, 4 * SCRAPE)}s`, __interval: `${step}s`, __range: `${seconds}s` };
  const answers = await Promise.all(panel.targets.map(async (target) => {
    const query = filled(target.expr, own);
    if (/\$[a-zA-Z_{]/.test(query)) problems.push(`panel "${panel.title}": a variable is left in ${query}`);
    const { result } = target.instant
      ? await ask('query', { query, time: range.to })
      : await ask('query_range', { query, start: Math.floor(range.from / step) * step, end: range.to, step });
    if (target.format !== 'table') return seriesFrames(target, result, range, step);
    return result.length ? [tableFrame(target, result, panel.targets.length === 1)] : [];
  }));
  return answers.flat();
}
