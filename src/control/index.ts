export { createControlClient } from "./client.ts";
export { type Control, openControl } from "./server.ts";
export type { BrokerStatus, CertificateFacts, DeviceStatus, ReadPointStatus, Status } from "./status.ts";
