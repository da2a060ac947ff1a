// What the queue server says, as `telerun_protocol.messages`, `states` and `listing` define it. Types only.
// Units are in the names: `_s` seconds, `_bytes` bytes, `_at` seconds since 1970 by the server's clock.

export type State = 'queued' | 'claimed' | 'running' | 'succeeded' | 'failed' | 'cancelled';
export type Phase = 'fetch' | 'compile' | 'wait_device' | 'run' | 'collect';
export type Language = 'cu' | 'cpp' | 'c' | 'py' | 'sh' | 'project' | 'command';

export interface FileRef {
  path: string;
  sha256: string;
  size_bytes: number;
}

export interface Limits {
  wall_time_s?: number | null;
  cpu_time_s?: number | null;
  memory_bytes?: number | null;
  output_bytes?: number | null;
  disk_bytes?: number | null;
  processes?: number | null;
  compile_time_s?: number | null;
}

export interface JobSpec {
  language: Language;
  files?: FileRef[];
  main?: string | null;
  inputs?: FileRef[];
  stdin?: FileRef | null;
  args?: string[];
  env?: Record<string, string>;
  compiler?: string | null;
  compile_flags?: string[];
  std?: string | null;
  libraries?: string[];
  archs?: string[];
  asm?: boolean;
  run?: boolean;
  device?: string | null;
  labels?: string[];
  gpus?: number | null;
  emulate?: boolean | null;
  wait_for_executor?: boolean;
  network?: boolean;
  checks?: string[];
  limits?: Limits;
  name?: string | null;
  tags?: string[];
  notebook?: string | null;
  cell_id?: string | null;
  line_offset?: number;
}

export interface Step {
  phase: Phase;
  argv: string[];
  wall_time_s: number;
  cpu_time_s?: number;
  peak_memory_bytes?: number;
  exit_code?: number | null;
  signal?: number | null;
}

/** What a program uses now or, in a result, has used. */
export interface Usage {
  cpu_time_s?: number;
  memory_bytes?: number;
  peak_memory_bytes?: number;
  processes?: number;
  io_read_bytes?: number;
  io_write_bytes?: number;
  disk_bytes?: number;
}

export interface Diagnostic {
  file: string;
  line?: number;
  column?: number;
  severity?: string;
  message: string;
}

export interface Artifact {
  path: string;
  sha256: string;
  size_bytes: number;
  media_type?: string;
  kind?: string;
}

export interface KernelResources {
  kernel: string;
  symbol: string;
  arch: string;
  registers?: number;
  stack_bytes?: number;
  spill_store_bytes?: number;
  spill_load_bytes?: number;
  shared_bytes?: number;
}

export interface Device {
  kind: string;
  name: string;
  id?: string;
  arch?: string | null;
  memory_bytes?: number;
  driver?: string | null;
  parent?: string;
  sm_clock_hz?: number | null;
}

export interface DeviceReading {
  id: string;
  at: number; // by the executor's clock
  leased?: boolean;
  quarantined?: string;
  foreign?: number;
  utilization?: number | null;
  memory_used_bytes?: number | null;
  power_w?: number | null;
  temperature_c?: number | null;
  sm_clock_hz?: number | null;
  throttled?: string[];
}

export interface DeviceUse {
  id: string;
  samples: number;
  seconds: number;
  utilization?: number | null;
  utilization_peak?: number | null;
  memory_peak_bytes?: number | null;
  power_w?: number | null;
  power_peak_w?: number | null;
  temperature_peak_c?: number | null;
  sm_clock_hz?: number | null;
  sm_clock_least_hz?: number | null;
  throttled?: string[];
}

export interface Result {
  state: State;
  reason?: string | null;
  message?: string;
  hint?: string;
  exit_code?: number | null;
  signal?: number | null;
  signal_name?: string | null;
  steps?: Step[];
  diagnostics?: Diagnostic[];
  artifacts?: Artifact[];
  kernels?: KernelResources[];
  notes?: string[];
  devices?: Device[];
  device_use?: DeviceUse[];
  isolation?: string;
  usage?: Usage | null;
  environment?: Record<string, string>;
  executor?: string;
  toolchain?: string;
  output_bytes?: number;
  output_cut_bytes?: number;
}

export interface PhaseTime {
  phase: Phase;
  started_at: number;
}

export interface Job {
  id: string;
  number: number;
  owner: string;
  state: State;
  phase?: Phase | null;
  reason?: string | null;
  spec: JobSpec;
  created_at: number;
  claimed_at?: number | null;
  started_at?: number | null;
  finished_at?: number | null;
  phases?: PhaseTime[];
  attempt?: number;
  executor?: string | null;
  queue_position?: number | null;
  waiting_for?: string | null;
  cancel_requested?: boolean;
  usage?: Usage | null;
  result?: Result | null;
}

export interface JobList {
  jobs: Job[];
  next_before?: number | null;
}

export interface JobEvent {
  id: number;
  at: number;
  kind: string;
  job: Job;
}

export interface ToolchainInfo {
  language: Language;
  version: string;
}

export interface ExecutorInfo {
  instance: string;
  version: string;
  slots: number;
  compile_slots: number;
  devices?: Device[];
  toolchains?: ToolchainInfo[];
  labels?: string[];
  isolation?: string;
}

export interface Executor {
  name: string;
  info: ExecutorInfo;
  online: boolean;
  last_seen_at: number;
  running?: string[];
  busy?: number;
  labels?: string[];
  readings?: DeviceReading[];
}

export interface ExecutorList {
  executors: Executor[];
  queued?: number;
}

export interface ServiceLimits {
  defaults: Limits;
  maxima: Limits;
}

export interface Problem {
  code: string;
  message: string;
  hint?: string | null;
}

/** Lines `first` to `last` (from 0, both included) of a function come from line `source` (from 1) of the file. */
export type AsmRange = [first: number, last: number, source: number];

export interface AsmFunction {
  symbol: string;
  name: string;
  text: string[];
  ranges: AsmRange[];
}

export interface AsmView {
  kind: string;
  arch: string;
  artifact: string;
  functions: AsmFunction[];
}

export interface AsmListing {
  file: string;
  source: string[];
  views: AsmView[];
  notes?: string[];
}

/** The kind of a device that is none: CUDA on the CPU. */
export const EMULATED = 'emulated';

export const LISTING_PATH = '.telerun/asm/asm.json';

/** The facts of a job that a notebook stores below its cell (`telerun_magic.render.bundle.facts`). */
export const JOB_MIME = 'application/vnd.telerun.job.v1+json';

export interface JobFacts {
  id: string;
  number: number;
  language: Language;
  state: State;
  name?: string;
  phase?: Phase;
  reason?: string;
  exit_code?: number;
  created_at: number;
  started_at?: number;
  finished_at?: number;
  cell_id?: string;
}
