/** What is kept of each captured event once it was looked at: hashes and places, no bodies. */
export interface Row {
  readonly hash: Buffer;
  readonly previous: Buffer;
  readonly leaf: Buffer;
  /** Number of the chain in order of first sight. */
  readonly chain: number;
  readonly sequence: number;
  readonly line: number;
  /** Number of the key that its header names; 0 if it names none. */
  readonly key: number;
  readonly standing: Standing;
  readonly form: Form;
}

/** What its signature is worth, taken alone: whether the key is the right one is judged in the chain. */
export type Standing = "good" | "bad" | "no-key" | "refused";
const standings: readonly Standing[] = ["good", "bad", "no-key", "refused"];

/**
 * What is there of an event: all of it; one broker's view, which vouches for the event's digest; or nothing but its
 * hashes, where it was erased.
 */
export type Form = "event" | "view" | "erased";
const forms: readonly Form[] = ["event", "view", "erased"];

export interface Rows {
  count(): number;
  add(row: Row): number;
  row(index: number): Row;
  /** Where it belongs, without making a row. */
  chainOf(index: number): number;
  sequenceOf(index: number): number;
  setStanding(index: number, standing: Standing): void;
}

const rowBytes = 128;
const chunkRows = 8_192;
const at = { hash: 0, previous: 32, leaf: 64, sequence: 96, line: 104, chain: 112, key: 116, standing: 120, form: 121 };

/**
 * A table of events outside the heap: a million of them take 128 MB and no work of the garbage collector.
 *
 * Cost: 128 bytes a row, in chunks of one MiB.
 */
export function createRows(): Rows {
  const chunks: Buffer[] = [];
  let count = 0;
  const chunkOf = (index: number): Buffer => chunks[Math.floor(index / chunkRows)] as Buffer;
  const offsetOf = (index: number): number => (index % chunkRows) * rowBytes;
  return {
    count: () => count,
    add(row) {
      if (count % chunkRows === 0) chunks.push(Buffer.allocUnsafeSlow(rowBytes * chunkRows));
      const chunk = chunkOf(count);
      const base = offsetOf(count);
      chunk.set(row.hash, base + at.hash);
      chunk.set(row.previous, base + at.previous);
      chunk.set(row.leaf, base + at.leaf);
      chunk.writeDoubleLE(row.sequence, base + at.sequence);
      chunk.writeDoubleLE(row.line, base + at.line);
      chunk.writeUInt32LE(row.chain, base + at.chain);
      chunk.writeUInt32LE(row.key, base + at.key);
      chunk[base + at.standing] = standings.indexOf(row.standing);
      chunk[base + at.form] = forms.indexOf(row.form);
      count += 1;
      return count - 1;
    },
    row(index) {
      const chunk = chunkOf(index);
      const base = offsetOf(index);
      return {
        hash: chunk.subarray(base + at.hash, base + at.hash + 32),
        previous: chunk.subarray(base + at.previous, base + at.previous + 32),
        leaf: chunk.subarray(base + at.leaf, base + at.leaf + 32),
        sequence: chunk.readDoubleLE(base + at.sequence),
        line: chunk.readDoubleLE(base + at.line),
        chain: chunk.readUInt32LE(base + at.chain),
        key: chunk.readUInt32LE(base + at.key),
        standing: standings[chunk[base + at.standing] as number] as Standing,
        form: forms[chunk[base + at.form] as number] as Form,
      };
    },
    chainOf: (index) => chunkOf(index).readUInt32LE(offsetOf(index) + at.chain),
    sequenceOf: (index) => chunkOf(index).readDoubleLE(offsetOf(index) + at.sequence),
    setStanding(index, standing) {
      chunkOf(index)[offsetOf(index) + at.standing] = standings.indexOf(standing);
    },
  };
}
