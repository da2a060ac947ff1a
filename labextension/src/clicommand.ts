// The command line that runs a job's source once more.

import { shellWords } from './format';
import { mainFile } from './jobs';
import { JobSpec } from './protocol';

export function cliCommand(spec: JobSpec): string {
  const option = (name: string, values: readonly (string | number | null | undefined)[]): string[] =>
    values.filter(value => value !== null && value !== undefined).flatMap(value => [name, `${value}`]);
  const limits = spec.limits ?? {};
  const seconds = (value?: number | null): string | null => (value ? `${value}s` : null);
  const bytes = (value?: number | null): string | null => (value ? `${value}B` : null);
  const others = {
    cpu_time: seconds(limits.cpu_time_s),
    compile_time: seconds(limits.compile_time_s),
    output: bytes(limits.output_bytes),
    disk: bytes(limits.disk_bytes),
    processes: limits.processes
  };
  const main = mainFile(spec)?.path;
  const beside = main ? (spec.files ?? []).map(file => file.path).filter(path => path !== main) : [];
  const words = [
    'telerun',
    'run',
    ...(spec.asm ? ['--asm'] : []),
    ...(spec.run === false ? ['--compile-only'] : []),
    ...option('-X', spec.compile_flags ?? []),
    ...option('--std', [spec.std]),
    ...option('--compiler', [spec.compiler]),
    ...option(
      '--arch',
      (spec.archs ?? []).map(arch => arch.replace(/^sm_/, ''))
    ),
    ...option('-l', spec.libraries ?? []),
    ...option(
      '-e',
      Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`)
    ),
    ...option('--time', [seconds(limits.wall_time_s)]),
    ...option('--memory', [bytes(limits.memory_bytes)]),
    ...option(
      '--limit',
      Object.entries(others).flatMap(([name, value]) => (value ? [`${name}=${value}`] : []))
    ),
    ...option('--gpus', [spec.gpus]),
    ...option('--device', [spec.device]),
    ...option('--label', spec.labels ?? []),
    ...(typeof spec.emulate === 'boolean' ? [spec.emulate ? '--emulate' : '--no-emulate'] : []),
    ...(spec.network ? ['--network'] : []),
    ...option('--check', spec.checks ?? []),
    ...(spec.wait_for_executor ? ['--wait-for-executor'] : []),
    ...option('--header-file', beside),
    ...option(
      '--in',
      (spec.inputs ?? []).map(file => file.path)
    ),
    ...option('--stdin', [spec.stdin?.path]),
    ...option('--name', [spec.name]),
    ...option('--tag', spec.tags ?? [])
  ];
  if (spec.language === 'command') {
    return shellWords([...words, '--', ...(spec.args ?? [])]);
  }
  return shellWords([...words, spec.language, main ?? '.', ...(spec.args ?? [])]);
}
