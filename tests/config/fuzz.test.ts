import fc from "fast-check";
import { expect, test } from "vitest";
import { checkConfig } from "../../src/config/index.ts";
import { contractExample } from "./sound.ts";

async function isExplained(text: string): Promise<void> {
  const checked = await checkConfig("/etc/sortgate/sortgate.toml", { text, env: {} });
  if (checked.ok) return;
  expect(checked.problems.length).toBeGreaterThan(0);
  for (const { sentence, hint, line = 1 } of checked.problems) {
    expect(sentence).not.toMatch(/^$|undefined|\[object|Invalid input|received/);
    expect(hint).not.toMatch(/^$|undefined|\[object/);
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(text.split("\n").length);
  }
}

test("any damage to a sound file is explained, and none throws", async () => {
  const damage = fc.record({
    at: fc.nat(contractExample.length),
    length: fc.nat(30),
    by: fc.oneof(
      fc.string({ unit: "binary", maxLength: 5 }),
      fc.constantFrom("=", "[", "]", "\n", '"', "[[device]]\n", "__proto__.a = 1\n", "-1", "1e999", "{}"),
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (damages) => {
      let text = contractExample;
      for (const { at, length, by } of damages) text = text.slice(0, at) + by + text.slice(at + length);
      await isExplained(text);
    }),
    { numRuns: 500 },
  );
});

test("any value in place of any value is explained, and none throws", async () => {
  const lines = contractExample.split("\n");
  const places = lines.flatMap((line, index) => (/^[a-z_]+ = /.test(line) ? [index] : []));
  const value = fc.constantFrom(
    "1",
    "-1",
    "1.5",
    "nan",
    "inf",
    "true",
    '""',
    '"x"',
    "[]",
    "[1]",
    '["x"]',
    "{}",
    "{ a = 1 }",
    "[{}]",
    "2026-01-01",
    "9223372036854775807",
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), value, async (place, text) => {
      const key = (lines[place] ?? "").split(" =")[0];
      await isExplained(lines.with(place, `${key} = ${text}`).join("\n"));
    }),
    { numRuns: 500 },
  );
});
