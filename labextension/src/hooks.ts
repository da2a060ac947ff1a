// React's view of signals, of the clock and of an element's size.

import { ISignal } from '@lumino/signaling';
import * as React from 'react';

/** Renders again whenever the signal is emitted. */
export function useSignal(signal: ISignal<unknown, unknown>): void {
  const [, again] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    signal.connect(again);
    return () => void signal.disconnect(again);
  }, [signal]);
}

/** Renders again every second while `isOn`. */
export function useTicks(isOn: boolean): void {
  const [, again] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    if (!isOn) {
      return;
    }
    const timer = window.setInterval(again, 1000);
    return () => window.clearInterval(timer);
  }, [isOn]);
}

/** The height of an element, as it changes. */
export function useHeight(ref: React.RefObject<HTMLElement>): number {
  const [height, setHeight] = React.useState(0);
  React.useLayoutEffect(() => {
    const element = ref.current!;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    setHeight(element.clientHeight);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return height;
}

export type Loaded<T> = { state: 'loading' } | { state: 'ready'; value: T } | { state: 'failed'; message: string };

/** What `load` gives; asked for again when `keys` change, forgotten when the component goes. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, keys: unknown[]): Loaded<T> {
  const [loaded, setLoaded] = React.useState<Loaded<T>>({ state: 'loading' });
  React.useEffect(() => {
    const abort = new AbortController();
    setLoaded({ state: 'loading' });
    load(abort.signal)
      .then(value => !abort.signal.aborted && setLoaded({ state: 'ready', value }))
      .catch((error: Error) => !abort.signal.aborted && setLoaded({ state: 'failed', message: error.message }));
    return () => abort.abort();
  }, keys);
  return loaded;
}
