// A look-alike of the state timeline, which Grafana does not publish apart from its server: a lane
// per series, a box per stretch of one value, in the colour that Grafana's own mappings give it.
import React from 'react';
import { formattedValueToString, getFieldDisplayName } from '@grafana/data';
import { VizLayout, VizLegend } from '@grafana/ui';

const AXIS = 22;
const LETTER = 6.3;

function stretches(field, times, end) {
  const found = [];
  for (let at = 0; at < times.length; at += 1) {
    const value = field.values[at];
    const last = found.at(-1);
    if (last && last.value === value) last.to = times[at + 1] ?? end;
    else found.push({ value, from: times[at], to: times[at + 1] ?? end });
  }
  return found.filter(({ value }) => value !== null && value !== undefined);
}

export function Lanes({ panel, frames, width, height, range, theme, problems }) {
  const lanes = frames.map((frame) => {
    const [times, field] = frame.fields;
    return { name: getFieldDisplayName(field, frame, frames), parts: stretches(field, times.values, range.to * 1000), field };
  });
  const legend = new Map();
  for (const { parts, field } of lanes) {
    for (const { value } of parts) {
      const shown = field.display(value);
      legend.set(formattedValueToString(shown), shown.color);
    }
  }
  const items = [...legend].map(([label, color]) => ({ label, color, yAxis: 1 }));
  return (
    <VizLayout width={width} height={height}
      legend={<VizLayout.Legend placement="bottom"><VizLegend placement="bottom" displayMode="list" items={items} /></VizLayout.Legend>}>
      {(inner, tall) => {
        const names = Math.min(inner / 3, 16 + LETTER * Math.max(...lanes.map(({ name }) => name.length)));
        const line = (tall - AXIS) / lanes.length;
        if (line < 12) problems.push(`panel "${panel.title}": ${lanes.length} lanes are too many for its height`);
        const x = (time) => names + ((time / 1000 - range.from) / (range.to - range.from)) * (inner - names - 8);
        const text = { fill: theme.colors.text.primary, fontSize: 12, fontFamily: theme.typography.fontFamily };
        return (
          <svg width={inner} height={tall}>
            {lanes.map(({ name, parts, field }, row) => (
              <g key={name}>
                <text {...text} x={names - 8} y={(row + 0.5) * line + 4} textAnchor="end">{name}</text>
                {parts.map(({ value, from, to }) => (
                  <rect key={from} x={x(from)} width={Math.max(1, x(to) - x(from))} y={row * line + line * 0.1}
                    height={line * panel.options.rowHeight} fill={field.display(value).color}
                    fillOpacity={panel.fieldConfig.defaults.custom.fillOpacity / 100} />
                ))}
              </g>
            ))}
            {[0, 1, 2, 3, 4, 5, 6].map((part) => {
              const time = range.from + ((range.to - range.from) * part) / 6;
              const anchor = part === 6 ? 'end' : part === 0 ? 'start' : 'middle';
              return <text key={part} {...text} x={x(time * 1000)} y={tall - 4} textAnchor={anchor}>{new Date(time * 1000).toISOString().slice(11, 16)}</text>;
            })}
          </svg>
        );
      }}
    </VizLayout>
  );
}
