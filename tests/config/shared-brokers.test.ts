import { describe, expect, it } from "vitest";
import { checkConfig } from "../../src/config/index.ts";
import { smallest } from "./sound.ts";

async function told(more: string): Promise<readonly string[]> {
  const checked = await checkConfig("/etc/sortgate/sortgate.toml", { text: smallest + more });
  return checked.ok
    ? []
    : checked.problems.map(({ line, key, sentence, hint }) => `${line} ${key}: ${sentence}; ${hint}`);
}

const entry = (name: string, url: string, more = ""): string => `[[broker]]\nname = "${name}"\nurl = "${url}"\n${more}`;
const view = (prefix: string): string => `topic_prefix = "${prefix}"\n[broker.view]\n`;
const central = "mqtt://127.0.0.1:1883";

describe("two entries for one broker", () => {
  it("are refused where both send all events: the broker would throw out one for the other", async () => {
    const problem =
      '17 broker "again" > url: found "127.0.0.1:1883", where the [[broker]] of line 4 sends all events too; allowed: one entry without a view for each broker; remove one of the two, or give one a [broker.view]';
    expect(await told(entry("again", "mqtt://127.0.0.1", 'topic_prefix = "x"\n'))).toEqual([problem]);
  });

  it.each([
    ["mqtts://broker.example", "mqtts://Broker.Example"],
    ["mqtts://broker.example", "mqtts://broker.example.:8883"],
    [central, "mqtt://localhost"],
    [central, "mqtt://[::1]"],
    [central, "mqtt://[0:0:0:0:0:0:0:1]:1883"],
  ])("R24 are refused however its name is spelt: %s and %s", async (one, other) => {
    const first = one === central ? "" : entry("one", one);
    expect(await told(first + entry("other", other, "[broker.view]\n"))).toHaveLength(1);
  });

  it("R24 are refused where a partner's views come under the topics of all events, or of another partner", async () => {
    const problems = await told(entry("partner", central, "[broker.view]\n"));
    expect(problems).toEqual([
      expect.stringMatching(/^15 broker "partner" > topic_prefix: found "sortgate" .* line 4 has the same topics/),
    ]);
    const others = await told(entry("a", central, view("partners")) + entry("b", central, view("partners")));
    expect(others).toEqual([expect.stringMatching(/^23 broker "b" > topic_prefix: found "partners" .* line 15 has/)]);
  });

  it("R24 are refused where all events, or another partner's views, come below the topics of views", async () => {
    const below = entry("a", central, view("a")) + entry("b", central, view("a/b"));
    expect(await told(below)).toEqual([
      expect.stringMatching(/^23 broker "b" > topic_prefix: found "a\/b" .* line 15 has "a", one below the other/),
    ]);
    const wholeBelow =
      entry("a", "mqtts://b.example", view("a")) + entry("b", "mqtts://b.example", 'topic_prefix = "a/b"\n');
    expect(await told(wholeBelow)).toHaveLength(1);
    const viewBelow = entry("a", central, view("sortgate/a"));
    expect(await told(viewBelow)).toEqual([]);
  });

  it("are fine with topics of their own, and so are two brokers", async () => {
    expect(await told(entry("a", central, view("a")) + entry("b", central, view("b")))).toEqual([]);
    expect(await told(entry("a", "mqtt://127.0.0.1:1884"))).toEqual([]);
  });
});
