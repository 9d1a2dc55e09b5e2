/** Names of what the program says about itself: a log line and a metric, never an event. `area/what`. */
export type NoticeName =
  | "gateway/ready"
  | "gateway/stopping"
  | "gateway/stopped"
  | "gateway/warning"
  | "device/up"
  | "device/down"
  | "device/connected"
  | "device/warning"
  | "read/dropped"
  | "read/paused"
  | "read/resumed"
  | "pass/evicted"
  | "guard/unsealed"
  | "guard/sealing"
  | "guard/policy-refused"
  | "ledger/opened"
  | "ledger/warning"
  | "ledger/full"
  | "ledger/fills"
  | "ledger/purged"
  | "ledger/damaged"
  | "ledger/failed"
  | "key/rotated"
  | "identity/made"
  | "broker/up"
  | "broker/down"
  | "broker/refused"
  | "broker/warning"
  | "order/done"
  | "order/delayed"
  | "order/refused"
  | "control/listening"
  | "control/refused"
  | "control/revealed"
  | "clock/stepped"
  | "config/warning";

export type NoticeLevel = "debug" | "info" | "warn" | "error";

/** One thing the program says about itself. It holds no parcel data and no secret. */
export interface Notice {
  readonly name: NoticeName;
  readonly level: NoticeLevel;
  /** One sentence; for warnings and errors it ends with what to do next, if anything can be done. */
  readonly message: string;
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
}

/** Where notices go; returns at once and never throws. */
export type Tell = (notice: Notice) => void;
