export type { Chunk, Driver, FrameSink, Profile } from "./port.ts";
export { type SupervisedDevice, superviseDevice } from "./supervise.ts";
