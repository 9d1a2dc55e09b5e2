export { checkConfig, type Judgement, readConfig } from "./check-config.ts";
export { configDigest, policyHash } from "./digest.ts";
export { exampleConfig } from "./example.ts";
export { readPolicyText } from "./policy-text.ts";
export { readControl } from "./read-control.ts";
export type { Config } from "./schema.ts";
export { type ConfigProblem, problemText } from "./words/problem.ts";
