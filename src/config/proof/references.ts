import { isIPv4 } from "node:net";
import { nearest } from "../../lib/nearest.ts";
import { limits } from "../../model/limits.ts";
import { type KeyPath, nodeAt, pathText, placeAt, tablesOf, textAt } from "../toml/locate.ts";
import type { TomlTable } from "../toml/parse-toml.ts";
import type { Finding } from "../words/problem.ts";
import { shownText } from "../words/shown.ts";

function findingAt(root: TomlTable, path: KeyPath, sentence: string, hint: string): Finding {
  return { at: placeAt(root, path), key: pathText(root, path), sentence, hint };
}

/** Tells each value that stands in more than one table, with the line where it stood first. */
function doubled(
  root: TomlTable,
  tables: readonly { path: KeyPath }[],
  key: string,
  allowed: string,
  hint: string,
): Finding[] {
  const first = new Map<string, number>();
  return tables.flatMap(({ path }) => {
    const at = [...path, key];
    const text = textAt(root, at);
    if (text === undefined) return [];
    const line = first.get(text);
    if (line === undefined) {
      first.set(text, placeAt(root, at).line);
      return [];
    }
    const sentence = `found ${shownText(text)}, which stands in line ${line} already; allowed: ${allowed}`;
    return [findingAt(root, at, sentence, hint)];
  });
}

function brokersNowhere(root: TomlTable): Finding[] {
  return tablesOf(root, "broker").flatMap(({ path }) => {
    const at = [...path, "url"];
    const host = /^mqtts?:\/\/(?:[^@/]*@)?([^:/[\]]+)/.exec(textAt(root, at) ?? "")?.[1] ?? "";
    if (!/^[\d.]+$/.test(host) || isIPv4(host)) return [];
    const sentence = `found the host ${shownText(host)}; allowed: a name, or an IPv4 address of four numbers from 0 to 255`;
    return [findingAt(root, at, sentence, "correct url; config/README.md explains every key")];
  });
}

function policiesIn(root: TomlTable): { path: KeyPath }[] {
  const list = nodeAt(root, ["guard", "policy"]);
  return list?.kind === "list" ? list.items.map((_, index) => ({ path: ["guard", "policy", index] })) : [];
}

/** Where views of brokers name read points. */
function viewedReadPoints(root: TomlTable): KeyPath[] {
  return tablesOf(root, "broker").flatMap(({ path }) => {
    const list = nodeAt(root, [...path, "view", "read_points"]);
    return list?.kind === "list" ? list.items.map((_, index) => [...path, "view", "read_points", index]) : [];
  });
}

function danglingReadPoints(root: TomlTable): Finding[] {
  const points = tablesOf(root, "read_point").flatMap(({ path }) => textAt(root, [...path, "name"]) ?? []);
  const known = new Set(points);
  const named = [...tablesOf(root, "device"), ...policiesIn(root)].map(({ path }): KeyPath => [...path, "read_point"]);
  return [...named, ...viewedReadPoints(root)].flatMap((at) => {
    const text = textAt(root, at);
    if (text === undefined || text === "" || known.has(text)) return [];
    const near = nearest(text, points);
    const allowed = points.length === 0 ? "the name of a [[read_point]]; there is none" : `a name of a [[read_point]]`;
    const hint =
      near === undefined
        ? `add a [[read_point]] with name = ${shownText(text)}, or name another`
        : `write ${at.at(-1) === "read_point" ? "read_point = " : ""}${JSON.stringify(near)}`;
    return [findingAt(root, at, `found ${shownText(text)}, which is no read_point; allowed: ${allowed}`, hint)];
  });
}

function crowdedReadPoints(root: TomlTable): Finding[] {
  const counts = new Map<string, number>();
  return tablesOf(root, "device").flatMap(({ path }) => {
    const at = [...path, "read_point"];
    const text = textAt(root, at);
    if (text === undefined) return [];
    const count = (counts.get(text) ?? 0) + 1;
    counts.set(text, count);
    // Told once per read point, at the first device that is too many.
    if (count !== limits.readPointDevicesMax + 1) return [];
    const sentence = `found device number ${count} of ${shownText(text)}; allowed: ${limits.readPointDevicesMax} devices at one read_point`;
    return [findingAt(root, at, sentence, "divide the devices over two read points")];
  });
}

function isEveryAddress(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

interface Listener {
  readonly path: KeyPath;
  readonly host: string;
  readonly port: number;
}

function listenersOf(root: TomlTable): Listener[] {
  const listeners = tablesOf(root, "device").flatMap(({ path }) => {
    const port = nodeAt(root, [...path, "port"]);
    const host = textAt(root, [...path, "host"]);
    const isListening = textAt(root, [...path, "mode"]) === "listen" && textAt(root, [...path, "driver"]) === "tcp";
    if (!isListening || host === undefined || port?.kind !== "value" || typeof port.value !== "number") return [];
    return [{ path: [...path, "port"], host, port: port.value }];
  });
  const http = /^(.+):(\d+)$/.exec(textAt(root, ["control", "http"]) ?? "");
  if (http === null || http[2] === "0") return listeners;
  return [...listeners, { path: ["control", "http"], host: http[1] ?? "", port: Number(http[2]) }];
}

function doubledListeners(root: TomlTable): Finding[] {
  const byPort = new Map<number, Listener[]>();
  return listenersOf(root).flatMap((listener) => {
    const others = byPort.get(listener.port) ?? [];
    byPort.set(listener.port, [...others.slice(0, 16), listener]);
    const other = others.find(
      ({ host }) => host === listener.host || isEveryAddress(host) || isEveryAddress(listener.host),
    );
    if (other === undefined) return [];
    const line = placeAt(root, other.path).line;
    const sentence = `found port ${listener.port}, on which line ${line} listens already; allowed: a port of its own`;
    return [findingAt(root, listener.path, sentence, "give one of the two another port")];
  });
}

const brokerPorts: Readonly<Record<string, string>> = { "mqtt:": "1883", "mqtts:": "8883" };

/** Host, of one of several spellings, and port; undefined for what is no address of a broker. */
function brokerAt(text: string | undefined): string | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined;
  const { protocol, hostname, port } = new URL(text);
  const usual = brokerPorts[protocol];
  const host = hostname.toLowerCase().replace(/\.$/, "");
  const same = host === "localhost" || host === "[::1]" ? "127.0.0.1" : host;
  return usual === undefined ? undefined : `${same}:${port === "" ? usual : port}`;
}

interface Topics {
  readonly prefix: string;
  readonly hasView: boolean;
}

/** Whether who reads all below the topics of views gets what comes under others. */
function readsBelow({ prefix, hasView }: Topics, other: Topics): boolean {
  return hasView && `${other.prefix}/`.startsWith(`${prefix}/`);
}

/** Entries that lead to one broker: they would throw each other out, or whoever gets views would get everything. */
function sharedBrokers(root: TomlTable): Finding[] {
  const entries = tablesOf(root, "broker").flatMap(({ path, table }) => {
    const broker = brokerAt(textAt(root, [...path, "url"]));
    const prefix = textAt(root, [...path, "topic_prefix"]) ?? "sortgate";
    return broker === undefined ? [] : [{ path, broker, prefix, hasView: nodeAt(table, ["view"]) !== undefined }];
  });
  return entries.flatMap((entry, index) => {
    const others = entries.slice(0, index).filter(({ broker }) => broker === entry.broker);
    const twin = others.find(({ hasView }) => !hasView && !entry.hasView);
    const mixed = others.find((other) => readsBelow(other, entry) || readsBelow(entry, other));
    if (twin !== undefined) {
      const { line } = placeAt(root, twin.path);
      const sentence = `found ${shownText(entry.broker)}, where the [[broker]] of line ${line} sends all events too; allowed: one entry without a view for each broker`;
      return [findingAt(root, [...entry.path, "url"], sentence, "remove one of the two, or give one a [broker.view]")];
    }
    if (mixed === undefined) return [];
    const { line } = placeAt(root, mixed.path);
    const sentence = `found ${shownText(entry.prefix)} at the broker where the [[broker]] of line ${line} has ${mixed.prefix === entry.prefix ? "the same topics" : `${shownText(mixed.prefix)}, one below the other`}; allowed: topics of its own, or whoever reads these gets the events of both`;
    return [findingAt(root, [...entry.path, "topic_prefix"], sentence, 'write another one: topic_prefix = "partner"')];
  });
}

/** Brokers that are asked for orders. */
function orderingTables(root: TomlTable): ReturnType<typeof tablesOf> {
  return tablesOf(root, "broker").filter(({ table }) => {
    const node = nodeAt(table, ["orders"]);
    return node?.kind === "value" && node.value === true;
  });
}

/** Orders are proven by the key of the policy; and that key is of no use without either. */
function centreKey(root: TomlTable): Finding[] {
  const ordering = orderingTables(root);
  const has = (key: string): boolean => nodeAt(root, ["guard", key]) !== undefined;
  if (has("policy_key_file"))
    return has("policy_file") || ordering.length > 0
      ? []
      : [
          findingAt(
            root,
            ["guard", "policy_key_file"],
            "found the centre's public key, which nothing needs; allowed: together with policy_file, or with orders = true in a [[broker]]",
            "name the signed policy in policy_file, or write orders = true in the [[broker]] of the centre",
          ),
        ];
  return ordering.map(({ path }) =>
    findingAt(
      root,
      [...path, "orders"],
      "found true, and policy_key_file is missing in [guard]; allowed with orders: the file of the centre's public key, which proves them",
      "put the centre's public key there, as openssl pkey -in CENTRE.key -pubout writes it, and name it in [guard]: policy_key_file = …",
    ),
  );
}

/** An order holds tokens and numbers in clear, and who gets views was promised none. */
function viewedOrders(root: TomlTable): Finding[] {
  return orderingTables(root)
    .filter(({ table }) => nodeAt(table, ["view"]) !== undefined)
    .map(({ path }) =>
      findingAt(
        root,
        [...path, "orders"],
        "found true, and this broker gets views; allowed: orders by a broker that gets whole events, for an order holds numbers in clear",
        "write orders = true in the [[broker]] of the centre, and remove it here",
      ),
    );
}

/** Finds what only two places of the file together can show: names given twice, and names that lead nowhere. */
export function checkReferences(root: TomlTable): Finding[] {
  const unique = "a name of its own";
  const serial = tablesOf(root, "device").filter(({ path }) => textAt(root, [...path, "driver"]) === "serial");
  return [
    ...doubled(root, tablesOf(root, "broker"), "name", unique, "rename one of the two brokers"),
    ...doubled(root, tablesOf(root, "read_point"), "name", unique, "rename one of the two read points"),
    ...doubled(root, tablesOf(root, "device"), "name", unique, "rename one of the two devices"),
    ...doubled(root, serial, "path", "one device per port", "remove one of the two devices, or correct its path"),
    ...doubled(root, policiesIn(root), "read_point", "one policy for each read point", "put both into one policy"),
    ...brokersNowhere(root),
    ...sharedBrokers(root),
    ...doubledListeners(root),
    ...danglingReadPoints(root),
    ...crowdedReadPoints(root),
    ...centreKey(root),
    ...viewedOrders(root),
  ];
}
