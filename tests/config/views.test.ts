import { expect, test } from "vitest";
import { checkConfig } from "../../src/config/index.ts";
import { read } from "../docs/documents.ts";
import { smallest } from "./sound.ts";

async function told(view: string): Promise<string[]> {
  const text = smallest.replace('1883"\n', `1883"\n[broker.view]\n${view}\n`);
  const checked = await checkConfig("/etc/sortgate/sortgate.toml", { text });
  return checked.ok
    ? []
    : checked.problems.map(({ line, key, sentence, hint }) => `${line} ${key}: ${sentence}; ${hint}`);
}

test("R24 a view names read points that are there, once the word is right", async () => {
  expect(await told('read_points = ["tunnel-1"]')).toEqual([]);
  expect(await told('read_points = ["tunnel-1", "tunel-1"]')).toEqual([
    '8 broker "central" > view > read_points 2: found "tunel-1", which is no read_point; allowed: a name of a [[read_point]]; write "tunnel-1"',
  ]);
});

test("R24 two views of one read point are told of, by both names, with what to do", async () => {
  const warned = async (...views: string[]): Promise<string[]> => {
    const brokers = views.map((view, n) => {
      const port = 1884 + n;
      return `[[broker]]\nname = "partner-${n + 1}"\nurl = "mqtt://127.0.0.1:${port}"\n[broker.view]\n${view}\n`;
    });
    const text = `${smallest}[[read_point]]\nname = "dock-7"\n${brokers.join("")}`;
    const checked = await checkConfig("/etc/sortgate/sortgate.toml", { text });
    if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
    return checked.warnings
      .filter(({ key }) => key.startsWith("broker"))
      .map(({ line, key, sentence, hint }) => `${line} ${key}: ${sentence}; ${hint}`);
  };
  const [first, second] = ['read_points = ["tunnel-1"]', 'read_points = ["dock-7"]'];
  const told = (names: string): string =>
    `the views of ${names} show the same read point: their partners can tell by id and time which events of theirs are one; ` +
    "give each view read_points of its own, unless one partner gets both";
  expect(await warned("")).toEqual([]);
  expect(await warned(first, second)).toEqual([]);
  expect(await warned("", "")).toEqual([`25 broker "partner-2" > view: ${told('"partner-1" and "partner-2"')}`]);
  expect(await warned("", second)).toEqual([
    `26 broker "partner-2" > view > read_points: ${told('"partner-1" and "partner-2"')}`,
  ]);
  expect(await warned(first, second, 'read_points = ["dock-7", "tunnel-1"]')).toEqual([
    `31 broker "partner-3" > view > read_points: ${told('"partner-1" and "partner-2" and "partner-3"')}`,
  ]);
});

test("the header of a view that is written wrong is told whole, and so is that of a policy", async () => {
  const hints = async (text: string): Promise<string[]> => {
    const checked = await checkConfig("/etc/sortgate/sortgate.toml", { text });
    return checked.ok ? [] : checked.problems.map(({ key, hint }) => `${key}: ${hint}`);
  };
  const views = smallest.replace('1883"\n', '1883"\n[broker.views]\nbasic = "mask"\n');
  expect(await hints(views)).toEqual(['broker "central" > views: write [broker.view]']);
  const policies = `${smallest}[[guard.polcy]]\nread_point = "tunnel-1"\n`;
  expect(await hints(policies)).toEqual(["guard > polcy: write [[guard.policy]]"]);
  const strange = await hints(smallest.replace('1883"\n', '1883"\n[broker.xyzzy]\n'));
  expect(strange).toEqual([expect.stringMatching(/known here are .*\[broker\.view\]/)]);
});

test("R24 a key of a view whose header is missing is not sent to [guard], where it would hold for all", async () => {
  const hint = async (before: string): Promise<string | undefined> => {
    const checked = await checkConfig("/x", { text: smallest.replace('1883"\n', `1883"\n${before}\n`), env: {} });
    return checked.ok ? "fine" : checked.problems[0]?.hint;
  };
  for (const key of ['basic = "token"', 'public = "drop"', 'read_points = ["tunnel-1"]'])
    expect(await hint(key)).toBe(`move ${key.split(" ")[0]} below [broker.view], where it belongs`);
  expect(await hint('[broker.view]\ncore = "drop"')).toBe("remove it; a view holds nothing of persons");
  expect(await hint('[broker.view]\nmasks = "documents"')).toBe("remove it; known here are basic, public, read_points");
  expect(await hint("[broker.view]\nin_flight_max = 9")).toBe("move in_flight_max below [[broker]], where it belongs");
});

test("R24 a view cannot be told to show core data", async () => {
  const [problem = ""] = await told('core = "clear"');
  expect(problem).toContain('8 broker "central" > view > core: found an unknown key');
  expect(await told('basic = "seal"')).toEqual([
    expect.stringContaining('allowed: one of "clear", "mask", "token", "drop"'),
  ]);
});

test("the view in docs/privacy.md is sound", async () => {
  const [, example = ""] = /```toml\n([\s\S]*?)```/.exec(read("docs/privacy.md")) ?? [];
  expect(example).toContain("[broker.view]");
  const text = `${smallest}[[read_point]]\nname = "dock-7"\n${example}`;
  const checked = await checkConfig("/etc/sortgate/sortgate.toml", { text });
  expect(checked.ok ? checked.config.brokers[1]?.view : checked.problems).toMatchObject({ read_points: ["dock-7"] });
});
