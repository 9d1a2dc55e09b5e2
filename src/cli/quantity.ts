const steps = [
  { unit: "d", ms: 86_400_000, smaller: { unit: "h", ms: 3_600_000 } },
  { unit: "h", ms: 3_600_000, smaller: { unit: "min", ms: 60_000 } },
  { unit: "min", ms: 60_000, smaller: { unit: "s", ms: 1_000 } },
] as const;

/** A length of time for a person: `250 ms`, `4.2 s`, `3 min 12 s`, `5 d 2 h`. */
export function durationText(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  for (const { unit, ms: size, smaller } of steps) {
    if (ms < size) continue;
    const rest = Math.floor((ms % size) / smaller.ms);
    return `${Math.floor(ms / size)} ${unit}${rest === 0 ? "" : ` ${rest} ${smaller.unit}`}`;
  }
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return `${ms < 10_000 ? (Math.floor(ms / 100) / 10).toFixed(1) : Math.floor(ms / 1_000)} s`;
}

/** A length of time for a column of a table: the largest unit alone, as `3 min`. */
export function shortDuration(durationMs: number): string {
  return /^\S+ \S+/.exec(durationText(durationMs))?.[0] ?? "";
}

/** A name for a column of a table, with its middle left out if it is long: names of one site begin alike. */
export function shortName(name: string, charactersMax: number): string {
  const characters = [...name];
  if (characters.length <= charactersMax) return name;
  const keptEnd = Math.ceil((charactersMax - 1) / 2);
  return `${characters.slice(0, charactersMax - 1 - keptEnd).join("")}…${characters.slice(-keptEnd).join("")}`;
}

/** A number of bytes for a person, in steps of 1,000 as disks are sold: `812 B`, `4.1 MB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A count with its thousands apart. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** So many events. */
export function eventsText(count: number): string {
  return count === 1 ? "1 event" : `${countText(count)} events`;
}
