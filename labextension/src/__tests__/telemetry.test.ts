import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DeviceReading, Executor } from '../protocol';
import { HISTORY_S, NOTHING, extendedBy, lines, samplesOf, summary } from '../telemetry';

function executor(name: string, readings: DeviceReading[]): Executor {
  return {
    name,
    info: { instance: name, version: '1', slots: 1, compile_slots: 1 },
    online: true,
    last_seen_at: 0,
    readings
  };
}

test('what is told is gathered once, each device by itself, and forgotten in time', () => {
  const first = [
    executor(
      'a',
      [1, 2].map(at => ({ id: 'g', at, power_w: at }))
    ),
    executor('b', [{ id: 'g', at: 5 }])
  ];
  let known = extendedBy(NOTHING, { executors: first, queued: 3 }, 100);
  known = extendedBy(known, { executors: [executor('a', [{ id: 'g', at: 2, power_w: 9 }])], queued: 0 }, 105);
  known = extendedBy(known, { executors: [executor('a', [{ id: 'g', at: 3, power_w: 4 }])] }, 110);
  assert.deepEqual([...known.readings.keys()], ['a g']);
  assert.deepEqual(
    known.readings.get('a g')!.map(({ at, power_w }) => [at, power_w]),
    [
      [1, 1],
      [2, 9],
      [3, 4]
    ]
  );
  assert.deepEqual(
    known.queued.map(({ value }) => value),
    [3, 0, 0]
  );
  const much = executor('a', [{ id: 'g', at: 2.5 + HISTORY_S, power_w: 1 }]);
  known = extendedBy(known, { executors: [much] }, 107 + HISTORY_S);
  assert.deepEqual(
    known.readings.get('a g')!.map(({ at }) => at),
    [3, 2.5 + HISTORY_S]
  );
  assert.equal(known.queued.length, 2);
});

test('a line ends at the right edge and is broken where nothing was told', () => {
  const values = [0, 50, null, 200];
  const samples = values.map((value, index) => ({ at: 1000 + (index * HISTORY_S) / 4, value }));
  assert.deepEqual(lines(samples, 100, 10, 100), [
    [
      [25, 10],
      [50, 5]
    ],
    [[100, 0]]
  ]);
  assert.deepEqual(lines([], 100, 10, 1), []);
  assert.deepEqual(summary(samples), { least: 0, most: 200, last: 200 });
  assert.equal(summary([{ at: 1, value: null }]), null);
});

test('a measure that a device never tells has no chart', () => {
  const readings = [
    { id: 'g', at: 1, utilization: 0.5, power_w: null },
    { id: 'g', at: 2 }
  ];
  assert.deepEqual(
    samplesOf(readings, 'utilization').map(({ value }) => value),
    [0.5, null]
  );
  assert.deepEqual(samplesOf(readings, 'power_w'), []);
});
