import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Filter, Jobs, backoffMs, changed, counts, ended, isJobId, notebooks, replaced, rows, visible } from '../jobs';
import { Job, JobEvent, State } from '../protocol';

const ALL: Filter = { text: '', state: 'all', notebook: null };

function job(number: number, state: State = 'queued', more: Partial<Job> = {}): Job {
  return {
    id: `j${number}`,
    number,
    owner: 'ada',
    state,
    spec: { language: 'cpp' },
    created_at: number,
    attempt: 1,
    ...more
  };
}

function event(id: number, of: Job): JobEvent {
  return { id, at: 0, kind: of.state, job: of };
}

const known = (...list: Job[]): Jobs => new Map(list.map(entry => [entry.id, entry]));

test('an event changes a job, and what is final stays so', () => {
  let jobs = changed(known(job(1)), event(1, job(1, 'running')));
  assert.equal(jobs.get('j1')!.state, 'running');
  assert.equal(ended(jobs, event(2, job(1, 'failed'))), true);
  jobs = changed(jobs, event(2, job(1, 'failed')));
  jobs = changed(jobs, event(3, job(1, 'running')));
  assert.equal(jobs.get('j1')!.state, 'failed');
  assert.equal(ended(jobs, event(4, job(1, 'failed'))), false);
  assert.equal(ended(known(), event(5, job(9, 'failed'))), false);
});

test('a job that lost its executor is queued again; the lost attempt does not come back', () => {
  let jobs = changed(known(job(1, 'running')), event(1, job(1, 'queued')));
  assert.equal(jobs.get('j1')!.state, 'queued');
  jobs = changed(jobs, event(2, job(1, 'running', { attempt: 2 })));
  jobs = changed(jobs, event(3, job(1, 'running', { attempt: 1, executor: 'lost' })));
  assert.equal(jobs.get('j1')!.executor, undefined);
});

test('an id leads nowhere else', () => {
  assert.ok(isJobId('jpyfnz2mjtam') && isJobId('17'));
  assert.ok(![null, 7, '', '..', '../../api/kernels', 'a/b', 'a?b', 'A', 'a'.repeat(41)].some(isJobId));
});

test('a list replaces what is known, and events on its way are not lost', () => {
  const before = known(job(1, 'succeeded'), job(2, 'running'));
  const after = replaced(before, [job(2, 'running'), job(3)], [event(7, job(3, 'succeeded')), event(8, job(4))]);
  assert.deepEqual([...after.keys()].sort(), ['j2', 'j3', 'j4']);
  assert.equal(after.get('j3')!.state, 'succeeded');
});

test('a list that is older than an event does not undo it', () => {
  const after = replaced(known(job(1, 'succeeded')), [job(1, 'running')], []);
  assert.equal(after.get('j1')!.state, 'succeeded');
});

test('search, state and notebook narrow the list, newest first', () => {
  const jobs = known(
    job(1, 'failed', {
      spec: { language: 'cu', name: 'Matrix multiply', notebook: '/a/x.ipynb' },
      reason: 'time_limit'
    }),
    job(2, 'running', { spec: { language: 'cpp', name: 'matrix add', notebook: '/a/y.ipynb' } }),
    job(10, 'queued', { spec: { language: 'cpp', tags: ['nightly'] } })
  );
  const numbers = (filter: Partial<Filter>): number[] =>
    visible(jobs, { ...ALL, ...filter }).map(({ number }) => number);
  assert.deepEqual(numbers({}), [10, 2, 1]);
  assert.deepEqual(numbers({ text: 'MATRIX' }), [2, 1]);
  assert.deepEqual(numbers({ text: 'matrix time_limit' }), [1]);
  assert.deepEqual(numbers({ text: '#10' }), [10]);
  assert.deepEqual(numbers({ text: 'nightly' }), [10]);
  assert.deepEqual(numbers({ state: 'active' }), [10, 2]);
  assert.deepEqual(numbers({ state: 'failed' }), [1]);
  assert.deepEqual(numbers({ notebook: '/a/y.ipynb' }), [2]);
  assert.deepEqual(numbers({ notebook: '' }), [10]);
  assert.deepEqual(notebooks(jobs), ['', '/a/y.ipynb', '/a/x.ipynb']);
  assert.deepEqual(counts(jobs), { running: 1, queued: 1 });
});

test('groups are headed by their notebook, and fold', () => {
  const list = [1, 2, 3].map(n => job(n, 'queued', { spec: { language: 'cpp', notebook: n === 2 ? 'b' : 'a' } }));
  const shape = (folded?: Set<string>): string[] =>
    rows(list, true, folded).map(row => (row.kind === 'group' ? `${row.notebook} ${row.count}` : row.job.id));
  assert.deepEqual(shape(), ['a 2', 'j1', 'j3', 'b 1', 'j2']);
  assert.deepEqual(shape(new Set(['a'])), ['a 2', 'b 1', 'j2']);
  assert.equal(rows(list, false).length, 3);
});

test('attempts to reconnect get rarer, up to a bound', () => {
  assert.deepEqual([0, 1, 2, 3].map(backoffMs), [500, 1000, 2000, 4000]);
  assert.equal(backoffMs(50), 15_000);
});
