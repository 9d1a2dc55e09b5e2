/**
 * Numbers that carry their unit in their type.
 *
 * A plain number fits any of them; two different units do not fit each other, so a wall-clock time that is handed to
 * something that measures does not compile.
 */
interface Unit<Name extends string> {
  readonly unit?: Name;
}

/** Milliseconds since 1970-01-01 UTC, by the box's clock. */
export type EpochMs = number & Unit<"epoch-ms">;
/** Milliseconds since this process started; never runs backwards. */
export type MonotonicMs = number & Unit<"monotonic-ms">;
/** A length of time in milliseconds. */
export type DurationMs = number & Unit<"duration-ms">;
/** Received signal strength in dBm, typically -90 to -20. */
export type Dbm = number & Unit<"dbm">;
