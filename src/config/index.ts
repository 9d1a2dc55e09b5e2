export { checkConfig, readConfig } from "./check-config.ts";
export { configDigest } from "./digest.ts";
export { exampleConfig } from "./example.ts";
export type { Config } from "./schema.ts";
export { type ConfigProblem, problemText } from "./words/problem.ts";
