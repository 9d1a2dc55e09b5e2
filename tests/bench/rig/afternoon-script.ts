// The baseline: readline → Map → JSON → Ed25519 → one INSERT each at FULL → MQTT.js QoS 1 → DELETE on acknowledgement.
import { generateKeyPairSync, sign } from "node:crypto";
import { connect as connectTcp } from "node:net";
import { createInterface } from "node:readline";
import Database from "better-sqlite3";
import mqtt from "mqtt";
import { SerialPort } from "serialport";

interface Order {
  readonly database: string;
  readonly brokerPort: number;
  readonly wires: readonly { readonly kind: "serial" | "tcp"; readonly address: string }[];
}

const departMs = 500;
const order = JSON.parse(process.argv[2] ?? "{}") as Order;
const database = new Database(order.database);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
database.exec("CREATE TABLE queue (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)");
const insert = database.prepare("INSERT INTO queue (body) VALUES (?)");
const remove = database.prepare("DELETE FROM queue WHERE id = ?");
const { privateKey } = generateKeyPairSync("ed25519");
const seen = new Map<string, number>();
const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${order.brokerPort}`, { protocolVersion: 5 });

function publish(code: string): void {
  const body = { code, readPoint: "tunnel-1", time: new Date().toISOString() };
  const signature = sign(null, Buffer.from(JSON.stringify(body)), privateKey).toString("base64url");
  const text = JSON.stringify({ ...body, signature });
  const id = insert.run(text).lastInsertRowid;
  client.publish("bench/read/tunnel-1", text, { qos: 1 }, (error) => {
    if (!error) remove.run(id);
  });
}

function onLine(code: string): void {
  const now = Date.now();
  const last = seen.get(code);
  seen.set(code, now);
  if (last === undefined || now - last >= departMs) publish(code);
}

setInterval(() => {
  const now = Date.now();
  for (const [code, last] of seen) if (now - last >= departMs) seen.delete(code);
}, departMs);

for (const { kind, address } of order.wires) {
  const input =
    kind === "serial" ? new SerialPort({ path: address, baudRate: 115_200 }) : connectTcp(Number(address), "127.0.0.1");
  createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }).on("line", onLine);
  await new Promise((resolve) => input.once(kind === "serial" ? "open" : "connect", resolve));
}
process.stdout.write("ready\n");
