import { gmSuite } from "./gm.ts";
import { intlSuite } from "./intl.ts";
import type { Suite } from "./suite.ts";

export type { Suite } from "./suite.ts";

export type SuiteName = "intl" | "gm";

const suites: Readonly<Record<SuiteName, Suite>> = { intl: intlSuite, gm: gmSuite };

export function suiteOf(name: SuiteName): Suite {
  return suites[name];
}

/** The suite that sealed with an algorithm, undefined for one that nobody here knows. */
export function suiteOfContent(algorithm: unknown): Suite | undefined {
  return Object.values(suites).find(({ contentAlgorithm }) => contentAlgorithm === algorithm);
}
