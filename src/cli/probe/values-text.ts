const depthMax = 4;
const itemsMax = 16;

/**
 * Values that arrived together, as JSON for a screen.
 *
 * Gives:   names, numbers and truth values as they are; of a text or bytes what `show` gives, else their length.
 */
export function shownValue(value: unknown, show: (text: string) => string | undefined, depth = 0): unknown {
  if (typeof value === "string") return show(value) ?? `${value.length} characters, hidden`;
  if (value instanceof Uint8Array) {
    const hex = Buffer.from(value).toString("hex").toUpperCase();
    return show(hex) ?? `${value.length} bytes, hidden`;
  }
  // A PLC may keep a text as the numbers of its characters.
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes, hidden`;
  if (Array.isArray(value) && value.some((item) => typeof item === "number")) return `${value.length} numbers, hidden`;
  if (value instanceof Date) return value.toISOString();
  if (value === null || typeof value === "boolean" || (typeof value === "number" && isPlainNumber(value))) return value;
  if (typeof value !== "object") return `a ${typeof value}, hidden`;
  if (depth >= depthMax) return "…";
  if (Array.isArray(value)) return value.slice(0, itemsMax).map((item) => shownValue(item, show, depth + 1));
  const entries = Object.entries(value).slice(0, itemsMax);
  return Object.fromEntries(
    entries.map(([name, item]) => [
      name,
      // A code that came as a number is a code all the same.
      name === "code" && typeof item === "number" ? shownValue(String(item), show) : shownValue(item, show, depth + 1),
    ]),
  );
}

/** Counters and measurements; a longer number may be a telephone. */
function isPlainNumber(value: number): boolean {
  return Math.abs(value) < 1e10;
}
