import { heading, type Row, rowLine, type Snapshot, tableHead, totalLines } from "./view.ts";

/** Where the demo is seen. */
export interface Terminal {
  /** True if lines can be drawn again in place. */
  readonly isTTY: boolean;
  /** Height in lines and width in characters; only of a real terminal. */
  readonly rows: number | undefined;
  readonly columns: number | undefined;
  write(text: string): void;
}

export interface Screen {
  /** Says what is being done while nothing is to be seen yet. */
  say(sentence: string): void;
  /** Shows where everything stands; on a terminal in place of what was shown before. */
  draw(snapshot: Snapshot): void;
  /** Shows a row; on a terminal `draw` does that. */
  row(row: Row): void;
}

const rowsMax = 16;
const columnsMax = 100;
/** Totals between plain lines, often enough to be seen and seldom enough to be read. */
const totalsEveryMs = 5_000;

const up = (lineCount: number): string => (lineCount === 0 ? "" : `\u001b[${lineCount}A\r\u001b[J`);

/** A screen on a terminal is drawn in place; anywhere else it is a log of plain lines. */
export function createScreen(terminal: Terminal): Screen {
  return terminal.isTTY ? createLiveScreen(terminal) : createPlainScreen(terminal);
}

function createLiveScreen(terminal: Terminal): Screen {
  let drawnCount = 0;
  return {
    say(sentence) {
      terminal.write(`${up(drawnCount)}${sentence}\n`);
      drawnCount = 0;
    },
    draw(snapshot) {
      const totals = totalLines(snapshot);
      const room = (terminal.rows ?? 24) - heading.length - totals.length - 4;
      const shown = snapshot.rows.slice(-Math.max(3, Math.min(rowsMax, room)));
      const lines = [...heading, "", tableHead, ...shown.map(rowLine), "", ...totals];
      terminal.write(
        `${up(drawnCount)}${lines.map((line) => line.slice(0, Math.min(columnsMax, terminal.columns ?? columnsMax))).join("\n")}\n`,
      );
      drawnCount = lines.length;
    },
    row: () => {},
  };
}

function createPlainScreen(terminal: Terminal): Screen {
  let headed = false;
  let totalsAtMs = 0;
  const head = (): void => {
    if (headed) return;
    headed = true;
    totalsAtMs = performance.now();
    terminal.write(`${[...heading, "", tableHead].join("\n")}\n`);
  };
  return {
    say: (sentence) => terminal.write(`${sentence}\n`),
    draw(snapshot) {
      head();
      if (performance.now() - totalsAtMs < totalsEveryMs) return;
      totalsAtMs = performance.now();
      terminal.write(
        `${totalLines(snapshot)
          .map((line) => `| ${line}`)
          .join("\n")}\n`,
      );
    },
    row(row) {
      head();
      terminal.write(`${rowLine(row)}\n`);
    },
  };
}
