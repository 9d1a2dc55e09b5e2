import { expect, it } from "vitest";
import { namingConfig } from "../../src/lib/config-flag.ts";

const named = (hint: string): string => namingConfig(hint, "/tmp/a.toml");

it.each([
  ["sortgate check", "sortgate check --config /tmp/a.toml"],
  ["sortgate probe scanner-1, if it stays", "sortgate probe scanner-1 --config /tmp/a.toml, if it stays"],
  [
    "wait: sortgate queue export --confirm --reason T-1",
    "wait: sortgate queue export --config /tmp/a.toml --confirm --reason T-1",
  ],
  ["sortgate check --config /b.toml names them", "sortgate check --config /b.toml names them"],
  [
    "systemctl restart sortgate, as sortgate order sign does",
    "systemctl restart sortgate, as sortgate order sign does",
  ],
  [
    "sortgate keys csr, then sortgate status",
    "sortgate keys csr --config /tmp/a.toml, then sortgate status --config /tmp/a.toml",
  ],
  [
    "then: sortgate keys import CERTIFICATE, and restart sortgate",
    "then: sortgate keys import CERTIFICATE --config /tmp/a.toml, and restart sortgate",
  ],
])("a command that is suggested reads the same file: %s", (hint, text) => {
  expect(named(hint)).toBe(text);
  expect(namingConfig(hint, "/etc/sortgate/sortgate.toml")).toBe(hint);
});
