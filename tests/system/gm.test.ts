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
  const daemon = await startDaemon(site);
  cleanups.push(
    () => site.remove(),
    ...[centre, partner].map((broker) => () => broker.stop("SIGKILL")),
    ...[whole, view].map((subscriber) => () => subscriber.close()),
    () => scanner.close(),
    () => daemon.end("SIGKILL"),
  );
  await scanner.connected();
  const erase = async (subject: string): Promise<unknown> => {
    const asked = ["erase", subject, "--reason", "TICKET-4711", "--config", site.configPath, "--json"];
    return JSON.parse((await runCommand(asked)).stdout);
  };
  return { site, scanner, whole, view, erase };
}

it("R33 with the national algorithms partners get tokens of their own, and a number finds what stands under its token", async () => {
  const { site, scanner, whole, view, erase } = await aRig();
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
}, 60_000);
