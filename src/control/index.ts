export { createControlClient, problemIn } from "./client.ts";
export { imbalances } from "./conservation.ts";
export type { Erasure, Subject } from "./port.ts";
export { noteRawProbe, type RawOutcome, takeRawProbes } from "./raw-probes.ts";
export { type Control, openControl } from "./server.ts";
export type {
  BrokerStatus,
  CertificateFacts,
  DeviceStatus,
  OrdersStatus,
  PolicyStatus,
  ReadPointStatus,
  RefusedStatus,
  RevealStatus,
  SealKeyStatus,
  Status,
} from "./status.ts";
export { noSubject, subjectOf } from "./subject.ts";
export { isTicket } from "./who.ts";
