import { limits } from "../model/limits.ts";
import { afterGap, behind, type Proven, tooMany } from "./judge.ts";
import type { OrderRefusal } from "./refusals.ts";

/** Works on one after the other; `work` must not reject. */
export function createQueue<Item extends { readonly sha256: string }>(
  signal: AbortSignal,
  { max, sizeOf }: { readonly max: number; readonly sizeOf: (item: Item) => number },
  work: (item: Item) => Promise<void>,
) {
  const items: Item[] = [];
  const held = new Set<string>();
  let size = 0;
  const run = async (): Promise<void> => {
    for (let next = items[0]; next !== undefined && !signal.aborted; next = items[0]) {
      await work(next);
      items.shift();
      held.delete(next.sha256);
      size -= sizeOf(next);
    }
  };
  return {
    items: (): readonly Item[] => items,
    holds: (sha256: string) => held.has(sha256),
    /** False: too many wait, beside the one that is worked on. */
    add(item: Item): boolean {
      if (size > max) return false;
      held.add(item.sha256);
      size += sizeOf(item);
      if (items.push(item) === 1) void run();
      return true;
    },
  };
}

/** Has proven orders wait for their turn, so that none overtakes one that was sent before it and found no room. */
export function createTurns(proven: Pick<ReturnType<typeof createQueue<Proven>>, "add" | "items">) {
  const missed = createMissed();
  const refusalOf = (one: Proven, last: number): OrderRefusal | undefined => {
    const { order: number } = one.order;
    const before = missed.lowest(last);
    if (before !== undefined && number > before) return behind(before);
    const next = Math.max(last, ...proven.items().map(({ order }) => order.order)) + 1;
    if (one.isAfterGap && number > next) {
      missed.add(next);
      return afterGap(next);
    }
    return proven.add(one) ? undefined : tooMany;
  };
  return {
    /** Takes the number of the last one done; gives why it must not wait, if so: it has to come again. */
    admit(one: Proven, last: number): OrderRefusal | undefined {
      const refused = refusalOf(one, last);
      if (refused === undefined) missed.came(one.order.order);
      else missed.add(one.order.order);
      return refused;
    },
    /** The lowest number that has to come before any higher one is taken. */
    missing: (last: number): number | undefined => missed.lowest(last),
  };
}

/** The numbers of orders that are waited for: they found no room, or may be among those that nobody judged. */
function createMissed() {
  let numbers: number[] = [];
  return {
    /** Those up to the last one done can never be carried out, and keep nothing waiting. */
    lowest(lastDone: number): number | undefined {
      numbers = numbers.filter((number) => number > lastDone);
      return numbers.length === 0 ? undefined : Math.min(...numbers);
    },
    add(number: number): void {
      if (!numbers.includes(number) && numbers.length < limits.ordersMissedMax) numbers.push(number);
    },
    came(number: number): void {
      numbers = numbers.filter((one) => one !== number);
    },
  };
}
