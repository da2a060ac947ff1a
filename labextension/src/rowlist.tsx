// A list that draws only the rows on the screen.

import * as React from 'react';

import { useHeight } from './hooks';
import { scrollTo, windowOf } from './windowing';

export interface RowListHandle {
  /** Brings a row to the middle, unless it is on the screen. */
  reveal(row: number): void;
  toEnd(): void;
}

interface Props {
  count: number;
  rowPx: number;
  label: string;
  className: string;
  row: (index: number) => React.ReactNode;
  onScroll?: (isAtEnd: boolean) => void;
}

export const RowList = React.forwardRef<RowListHandle, Props>(function RowList(props, handle) {
  const { count, rowPx, label, className, row, onScroll } = props;
  const box = React.useRef<HTMLDivElement>(null);
  const viewPx = useHeight(box);
  const [scrollPx, setScrollPx] = React.useState(0);
  const shown = windowOf({ count, rowPx, viewPx, scrollPx });

  React.useImperativeHandle(
    handle,
    () => ({
      reveal: index => {
        const element = box.current!;
        const now = windowOf({ count, rowPx, viewPx: element.clientHeight, scrollPx: element.scrollTop }, -1);
        if (index < now.first || index >= now.end) {
          element.scrollTop = scrollTo(index, { count, rowPx, viewPx: element.clientHeight });
        }
      },
      toEnd: () => {
        box.current!.scrollTop = box.current!.scrollHeight;
      }
    }),
    [count, rowPx]
  );

  const scrolled = (event: React.UIEvent<HTMLDivElement>): void => {
    const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
    setScrollPx(scrollTop);
    onScroll?.(scrollTop + clientHeight >= scrollHeight - rowPx);
  };

  const rows: React.ReactNode[] = [];
  for (let index = shown.first; index < shown.end; index++) {
    rows.push(row(index));
  }
  return (
    <div ref={box} className={`tr-List ${className}`} role="region" aria-label={label} tabIndex={0} onScroll={scrolled}>
      <div className="tr-List-height" style={{ height: shown.heightPx }}>
        <div className="tr-List-rows" style={{ transform: `translateY(${shown.topPx}px)` }}>
          {rows}
        </div>
      </div>
    </div>
  );
});
