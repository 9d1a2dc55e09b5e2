import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { explainMqtt } from "../../src/forward/explain.ts";
import { brokerSettings } from "../../src/forward/settings.ts";

const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");

test("the README quotes of a broker that is away what the program says", () => {
  const broker = brokerSettings.parse({ name: "local", url: "mqtt://127.0.0.1:1883" });
  const { message, hint } = explainMqtt(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }), broker);
  expect(readme).toContain(`\nlocal: ${message}; 12 events wait for it on disk\n  Try: ${hint}\n`);
});

test("the README installs what hints tell to run by hand", () => {
  expect(readme).toMatch(/^sudo apt-get install .* netcat-openbsd$/m);
});
