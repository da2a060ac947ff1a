// What executors told of their devices in the last minutes, kept for charts.

import { DeviceReading, Executor, ExecutorList } from './protocol';

export const HISTORY_S = 600;

export interface Sample {
  at: number; // seconds since 1970
  value: number | null; // null: the device does not tell
}

export interface Telemetry {
  readings: ReadonlyMap<string, readonly DeviceReading[]>; // by executor and device, oldest first
  queued: readonly Sample[]; // jobs of everyone that wait
}

export const NOTHING: Telemetry = { readings: new Map(), queued: [] };

export function deviceKey(executor: Executor, device: string): string {
  return `${executor.info.instance} ${device}`;
}

/** What was known, and what a list adds to it; what is older than `HISTORY_S` is forgotten. */
export function extendedBy(known: Telemetry, list: ExecutorList, now: number): Telemetry {
  const readings = new Map<string, DeviceReading[]>();
  for (const executor of list.executors) {
    for (const reading of executor.readings ?? []) {
      const key = deviceKey(executor, reading.id);
      const kept = readings.get(key) ?? [...(known.readings.get(key) ?? [])];
      const last = kept[kept.length - 1];
      if (!last || reading.at > last.at) {
        kept.push(reading);
      } else if (reading.at === last.at) {
        kept[kept.length - 1] = reading;
      }
      const { at } = kept[kept.length - 1]; // by the executor's clock, whatever it says
      readings.set(
        key,
        kept.filter(old => old.at > at - HISTORY_S)
      );
    }
  }
  const queued = [...known.queued.filter(({ at }) => at > now - HISTORY_S), { at: now, value: list.queued ?? 0 }];
  return { readings, queued };
}

export interface Measure {
  key: 'utilization' | 'memory_used_bytes' | 'power_w' | 'temperature_c' | 'sm_clock_hz';
  most: number | null; // the upper end of its scale, null where the samples decide
}

/** The samples of a measure, none where the device never told it. */
export function samplesOf(readings: readonly DeviceReading[], key: Measure['key']): Sample[] {
  const samples = readings.map(reading => ({ at: reading.at, value: reading[key] ?? null }));
  return samples.some(({ value }) => value !== null) ? samples : [];
}

/** The points of a line in a box, an array for each stretch without a gap; the newest sample is at the right edge. */
export function lines(samples: readonly Sample[], width: number, height: number, most: number): [number, number][][] {
  const end = samples.length ? samples[samples.length - 1].at : 0;
  const found: [number, number][][] = [[]];
  for (const { at, value } of samples) {
    if (value === null) {
      found.push([]);
    } else {
      const x = width * (1 - (end - at) / HISTORY_S);
      const y = height * (1 - Math.min(1, Math.max(0, value / (most || 1))));
      found[found.length - 1].push([Math.round(10 * x) / 10, Math.round(10 * y) / 10]);
    }
  }
  return found.filter(stretch => stretch.length);
}

/** The least and the greatest value and the last one, null where there is none. */
export function summary(samples: readonly Sample[]): { least: number; most: number; last: number } | null {
  const values = samples.flatMap(({ value }) => (value === null ? [] : [value]));
  return values.length
    ? { least: Math.min(...values), most: Math.max(...values), last: values[values.length - 1] }
    : null;
}
