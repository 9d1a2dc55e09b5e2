export { checkConfig, readConfig } from "./check-config.ts";
export { configDigest } from "./digest.ts";
export { exampleConfig } from "./example.ts";
export { readControl } from "./read-control.ts";
export type { Config } from "./schema.ts";
export { type ConfigProblem, problemText } from "./words/problem.ts";
