export { createControlClient } from "./client.ts";
export { type Control, openControl } from "./server.ts";
export type { BrokerStatus, DeviceStatus, ReadPointStatus, Status } from "./status.ts";
