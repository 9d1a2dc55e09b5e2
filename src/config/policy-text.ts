import { z } from "zod";
import { type PolicyPayload, policyPayload } from "../guard/settings.ts";
import { jsonFault } from "../lib/json-fault.ts";
import { explainIssues } from "./proof/explain.ts";
import type { JsonSchema } from "./schema.ts";
import type { TomlNode, TomlTable } from "./toml/parse-toml.ts";
import type { Place } from "./words/problem.ts";

/** What came of reading the text of a policy. */
export type ReadPolicy =
  | { readonly ok: true; readonly policy: PolicyPayload }
  /** Each names the key, what was found and what is allowed. */
  | { readonly ok: false; readonly sentences: readonly string[] };

/**
 * Proves the JSON text of a policy by the same schemas as `[guard]`.
 *
 * Fails:  never.
 */
export function readPolicyText(text: string): ReadPolicy {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, sentences: [`found a text that is no JSON${jsonFault(text)}; allowed: one JSON object`] };
  }
  // An empty message tells our own words from those of the settings, and keeps zod's from getting through.
  const result = policyPayload.safeParse(value, { error: () => "" });
  if (result.success) return onceEach(result.data);
  const root = treeOf(value, 0);
  if (root.kind !== "table") return { ok: false, sentences: ["found no JSON object; allowed: one JSON object"] };
  const schema = z.toJSONSchema(policyPayload, { io: "input", target: "draft-2020-12" }) as JsonSchema;
  const findings = explainIssues(schema, root, result.error.issues, new Set());
  return { ok: false, sentences: findings.map(({ key, sentence }) => `${key}: ${sentence}`) };
}

/** Of two policies for one read point nobody could say which one counts. */
function onceEach(policy: PolicyPayload): ReadPolicy {
  const points = (policy.guard.policy ?? []).map(({ read_point }) => read_point);
  const doubled = points.find((point, index) => points.indexOf(point) !== index);
  if (doubled === undefined) return { ok: true, policy };
  const sentence = `guard > policy: found ${JSON.stringify(doubled)} twice; allowed: one policy for each read point`;
  return { ok: false, sentences: [sentence] };
}

const nowhere: Place = { line: 1, column: 1 };

/** Deeper than this nothing is looked at: no key of a policy lies there. */
const depthMax = 8;

/** The same tree as that of the config file, so that its problems are told in the same words. */
function treeOf(value: unknown, depth: number): TomlNode {
  const at = nowhere;
  if (typeof value === "object" && value !== null && depth < depthMax) {
    if (Array.isArray(value)) return { kind: "list", at, items: value.map((item) => treeOf(item, depth + 1)) };
    const entries = Object.entries(value).map(([key, inner]) => [key, { at, node: treeOf(inner, depth + 1) }] as const);
    return { kind: "table", at, entries: new Map(entries) } satisfies TomlTable;
  }
  const raw = value === null ? "null" : typeof value === "object" ? "…" : String(value);
  const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return { kind: "value", at, value: isPlain ? value : raw, raw };
}
