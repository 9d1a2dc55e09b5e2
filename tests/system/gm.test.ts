import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { createSecretSearch, filesBelow } from "../fakes/canary.ts";
import {
  aWaybill,
  framed,
  makeSite,
  oneScanner,
  openSubscriber,
  openTcpScanner,
  runCommand,
  type Subscriber,
  startDaemon,
} from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Read {
  readonly sequence: string;
  readonly data: { readonly token: string; readonly tokens?: readonly { readonly token: string }[] };
}

/** Events of parcels that a subscriber has, in the order of the chain: whole ones, or views of them. */
const readsOf = ({ messages }: Subscriber): Read[] =>
  messages
    .filter(({ topic }) => topic.includes("/read/"))
    .map(({ text }) => JSON.parse(text) as Read)
    .sort((one, other) => Number(one.sequence) - Number(other.sequence));

/** A gateway with the national algorithms, whose numbers and telephones leave as tokens, and a partner with a view. */
async function aRig() {
  const [centre, partner, scanner] = await Promise.all([openMosquitto(), openMosquitto(), openTcpScanner()]);
  const url = ({ port }: { port: number }): string => `mqtt://127.0.0.1:${port}`;
  const [whole, view] = await Promise.all([openSubscriber(url(centre)), openSubscriber(url(partner))]);
  const site = makeSite({
    brokerUrl: url(centre),
    broker: `[[broker]]\nname = "partner"\nurl = "${url(partner)}"\n[broker.view]\n`,
    rest: oneScanner(scanner.port).replace("[guard]", '[guard]\ncrypto = "gm"\ncore = "token"\nbasic = "token"'),
  });
  const daemons = [await startDaemon(site)];
  cleanups.push(
    () => site.remove(),
    ...[centre, partner].map((broker) => () => broker.stop("SIGKILL")),
    ...[whole, view].map((subscriber) => () => subscriber.close()),
    () => scanner.close(),
    () => daemons.at(-1)!.end("SIGKILL"),
  );
  await scanner.connected();
  /** Ends the daemon, which makes a checkpoint of all that it did, and starts another. */
  const again = async (): Promise<void> => {
    expect(await daemons.at(-1)!.end()).toBe(0);
    daemons.push(await startDaemon(site));
  };
  const verify = async (text: string): Promise<string> => {
    const file = join(site.dir, "verified.jsonl");
    writeFileSync(file, text);
    return (await runCommand(["verify", file, "--trust", join(site.dataDir, "identity/device.crt")])).stdout;
  };
  const erase = async (subject: string): Promise<unknown> => {
    const asked = ["erase", subject, "--reason", "TICKET-4711", "--config", site.configPath, "--json"];
    return JSON.parse((await runCommand(asked)).stdout);
  };
  return { site, scanner, whole, view, erase, again, verify };
}

it("R33 with the national algorithms an export with erased events is proven by SM3 all the same, and no mark hides an event", async () => {
  const { site, scanner, whole, erase, again, verify } = await aRig();
  for (const parcel of [0, 1, 2]) scanner.send(framed(aWaybill(parcel)));
  await vi.waitFor(() => expect(readsOf(whole)).toHaveLength(3), 20_000);
  expect(await erase(aWaybill(0))).toMatchObject({ count: 1 });
  await again();
  expect(await erase(readsOf(whole)[1]!.data.token)).toMatchObject({ count: 1 });
  await again();
  const { stdout } = await runCommand(["queue", "export", "--config", site.configPath, "--reason", "TICKET-1"]);
  const marks = stdout.match(/^\{"erased":.*$/gm)!;
  expect(marks).toHaveLength(2);
  expect(await verify(stdout)).toMatch(/^whole .* 2 of them erased, 2 checkpoints signed by SM2, 2 proven by SM3/m);
  const other = marks[0]!.replace(/"sm3":"[^"]+"/, /"sm3":"[^"]+"/.exec(marks[1]!)![0]);
  expect(await verify(stdout.replace(marks[0]!, other))).toMatch(
    /^not whole: .*2 checkpoints signed by SM2, 1 proven/m,
  );
  const bare = marks[0]!.replace(/"sm3":"[^"]+",/, "");
  expect(await verify(stdout.replace(marks[0]!, bare))).toMatch(/^not whole: .*2 checkpoints signed by SM2, 1 proven/m);
}, 60_000);

it("R33 with the national algorithms partners get tokens of their own, and a number finds what stands under its token", async () => {
  const { site, scanner, whole, view, erase, again, verify } = await aRig();
  const mobiles = ["13912345678", "13887654321"] as const;
  for (const [parcel, tel] of mobiles.entries())
    scanner.send(framed(JSON.stringify({ waybillNo: aWaybill(parcel), tel })));
  scanner.send(framed(aWaybill(2)));
  await vi.waitFor(() => expect([readsOf(whole).length, readsOf(view).length]).toEqual([3, 3]), 20_000);

  const own = readsOf(whole).map(({ data }) => data.token);
  const persons = readsOf(whole).flatMap(({ data }) => data.tokens ?? []);
  const partners = readsOf(view).map(({ data }) => data.token);
  const tokens = [...own, ...persons.map(({ token }) => token), ...partners];
  expect(tokens.filter((token) => !/^t2\.[\w-]{8}\.[\w-]{22}$/.test(token))).toEqual([]);
  expect([tokens.length, new Set(tokens).size]).toEqual([8, 8]);
  const search = createSecretSearch([...mobiles, ...[0, 1, 2].map(aWaybill)]);
  for (const { text } of [...whole.messages, ...view.messages]) expect(search.in(Buffer.from(text))).toEqual([]);
  expect(view.verdict()).toMatchObject({ verdict: "whole", chains: [{ findings: [] }] });

  expect(await erase("139-1234-5678")).toMatchObject({ count: 1 });
  expect(await erase(aWaybill(2))).toMatchObject({ count: 1 });
  expect(await erase(persons[1]!.token)).toMatchObject({ count: 1 });
  for (const { bytes, path } of filesBelow(site.dataDir))
    expect(createSecretSearch(tokens).in(bytes), path).toEqual([]);

  // Its checkpoints are views too: what a partner has is whole, and it is no fault that SM2 proves nothing of it.
  await again();
  await vi.waitFor(() => expect(view.messages.some(({ topic }) => topic.includes("/checkpoint"))).toBe(true), 20_000);
  const captured = view.messages.filter(({ topic }) => !topic.endsWith("/status"));
  const told = await verify(captured.map(({ text }) => text).join("\n"));
  expect(told).toMatch(/^whole .* as views, no checkpoint for SM2 to prove, authentic/m);
}, 60_000);
