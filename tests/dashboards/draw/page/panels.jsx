// The panels, each by Grafana's own component but for the state timeline.
import React from 'react';
import { getDisplayValueAlignmentFactors, getFieldDisplayValues, VizOrientation } from '@grafana/data';
import { BigValue, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { Lanes } from './lanes.jsx';

function Stat({ panel, frames, width, height, theme, replace }) {
  const { options, fieldConfig } = panel;
  const values = () => {
    const found = getFieldDisplayValues({
      fieldConfig, reduceOptions: options.reduceOptions, replaceVariables: replace, theme, data: frames,
      sparkline: options.graphMode !== 'none', timeZone: 'utc',
    });
    // A single value without a legend goes by the panel's title.
    if (found.length === 1 && options.textMode === 'auto') found[0].display.title = undefined;
    return found;
  };
  return (
    <VizRepeater getValues={values} getAlignmentFactors={getDisplayValueAlignmentFactors} source={frames} width={width}
      height={height} renderCounter={0} autoGrid orientation={VizOrientation.Auto} itemSpacing={4}
      renderValue={({ value, alignmentFactors, width: w, height: h, count }) => (
        <BigValue value={value.display} count={count} sparkline={value.sparkline} colorMode={options.colorMode}
          graphMode={options.graphMode} justifyMode={options.justifyMode} textMode={options.textMode}
          text={options.text} alignmentFactors={alignmentFactors} width={w} height={h} theme={theme} />
      )} />
  );
}

function Lines({ panel, frames, width, height, range }) {
  return (
    <TimeSeries frames={frames} structureRev={1} timeRange={range.moments} timeZone="utc" width={width} height={height}
      legend={panel.options.legend} options={panel.options} />
  );
}

function Table({ panel, frames, width, height }) {
  return (
    <TableNG data={frames[0]} width={width} height={height} noHeader={!panel.options.showHeader} cellHeight={panel.options.cellHeight}
      initialSortBy={panel.options.sortBy} showTypeIcons={false} enableVirtualization={false} structureRev={1}
      getActions={() => []} transparent={false} />
  );
}

export const PANELS = { stat: Stat, timeseries: Lines, table: Table, 'state-timeline': Lanes };

// What Grafana does when there is nothing to draw: figures say it themselves, all else does not.
export function isEmpty(panel, frames) {
  return panel.type !== 'stat' && !frames.some(({ length }) => length > 0);
}
