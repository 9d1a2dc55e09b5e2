export { type Forwarder, type ForwarderOptions, type ForwarderState, startForwarder } from "./forwarder.ts";
export type { LinkOptions, Message, MqttLink, Published } from "./mqtt-link.ts";
export type { Backlog, BacklogConnection } from "./port.ts";
