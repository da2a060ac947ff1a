// A small chart of the last minutes, with the same in words.

import * as React from 'react';

import { Sample, lines, summary } from '../telemetry';

const WIDTH = 120;
const HEIGHT = 28;

interface Props {
  name: string;
  samples: readonly Sample[];
  most: number | null; // the upper end of the scale, null for the greatest sample
  show: (value: number) => string;
  inWords: (now: string, least: string, most: string) => string;
}

/** Nothing where nothing was told. */
export function Sparkline({ name, samples, most, show, inWords }: Props): JSX.Element | null {
  const found = summary(samples);
  if (!found) {
    return null;
  }
  const stretches = lines(samples, WIDTH, HEIGHT, most ?? found.most);
  const newest = samples[samples.length - 1].value;
  const words = inWords(show(found.last), show(found.least), show(found.most));
  return (
    <figure className="tr-Chart" data-measure={name}>
      <figcaption>
        <span className="tr-Dim">{name}</span> <span>{newest === null ? '–' : show(newest)}</span>
      </figcaption>
      <svg
        role="img"
        aria-label={`${name}: ${words}`}
        viewBox={`-1 -1 ${WIDTH + 2} ${HEIGHT + 2}`}
        preserveAspectRatio="none"
      >
        <title>{words}</title>
        <line className="tr-Chart-base" x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
        {stretches.map((points, index) => (
          <polyline
            key={index}
            className="tr-Chart-line"
            points={(points.length > 1 ? points : [points[0], [points[0][0] + 1, points[0][1]]]).join(' ')}
          />
        ))}
      </svg>
    </figure>
  );
}
