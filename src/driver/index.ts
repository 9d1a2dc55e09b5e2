export type { Chunk, Driver, FrameSink, Profile } from "./port.ts";
export { endCodes, type SupervisedDevice, superviseDevice } from "./supervise.ts";
