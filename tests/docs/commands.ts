import { expect } from "vitest";
import type { Sandbox } from "./sandbox.ts";

/** How a command in a document is proven to work. */
export type Proof =
  /** Run by `commands.test.ts`, in the order of the document, in a sandbox. */
  | { readonly run: (line: string, sandbox: Sandbox) => Promise<void> }
  /** Run by another test: the file, and what stands in it. */
  | { readonly test: string; readonly says: string }
  /** Run by CI: what stands in its script or in the one that `npm test` begins with. */
  | { readonly ci: readonly string[] }
  /** Not proven by any program here, because it needs what no test may have. */
  | { readonly person: string };

const systemd: Proof = { person: "needs a machine that systemd has booted" };
const clone: Proof = { person: "how one gets the files depends on where they are kept" };
const install: Proof = { ci: ['"npm", ["ci"', "npm test"] };
const build: Proof = { ci: ["typescript/bin/tsc", "tsconfig.build.json"] };
const gate: Proof = { ci: ["npm run check"] };
const tests: Proof = { ci: ["npm test"] };
const bench: readonly (readonly [line: string, proof: Proof])[] = [
  ["npm run bench", { person: "takes an hour of an idle machine, and a person to judge the numbers" }],
  ["npm run bench -- --rounds 1 --seconds 1 --only throughput", { test: "tests/system/bench.test.ts", says: "--only" }],
];
const deep: Proof = { ci: ["npm run test:deep"] };

/** It ends with 0, and says this. */
const ends = (says = /(?:)/, shorter: readonly [string, string] = ["", ""]): Proof => ({
  async run(line, sandbox) {
    const { code, text } = await sandbox.run(line.replace(...shorter));
    expect({ code, text }).toEqual({ code: 0, text: expect.stringMatching(says) });
  },
});

/** The same with the sandbox's config file, where the document relies on the default path. */
const endsWithDefaultConfig = (says: RegExp): Proof => ({
  async run(line, sandbox) {
    const { code, text } = await sandbox.run(`${line} --config ${sandbox.dir}/etc/sortgate/sortgate.toml`);
    expect({ code, text }).toEqual({ code: 0, text: expect.stringMatching(says) });
  },
});

/** It ends with 0 sooner or later: a device or a broker may not be up yet. */
const endsOnceUp: Proof = {
  run: (line, sandbox) => expect.poll(async () => (await sandbox.run(line)).code, { timeout: 15_000 }).toBe(0),
};

/** It stays until it is told to stop, and says this meanwhile; the daemon stays until the end. */
const stays = (says: RegExp): Proof => ({
  async run(line, sandbox) {
    const running = sandbox.start(line);
    await expect.poll(running.text, { timeout: 20_000 }).toMatch(says);
    if (!line.startsWith("sortgate run")) await running.interrupt();
  },
});

const running = "sortgate run --config ./sortgate.toml";

/** A running daemon is stopped, which ends with a checkpoint, and started again. */
async function restart(sandbox: Sandbox): Promise<void> {
  await sandbox.interrupt(running);
  await run(stays(/"gateway\/ready"/), running, sandbox);
}

/** Waits for the next checkpoint: that of a stop, or that of the minute, where the subscriber came too late for it. */
const oneCheckpoint: Proof = {
  async run(line, sandbox) {
    sandbox.start(line);
    await restart(sandbox);
    await expect.poll(() => sandbox.size("first/checkpoint.json"), { timeout: 75_000 }).toBeGreaterThan(0);
  },
};

/** Proofs of the README, in its order; what it asks a person to do in between stands beside the command before. */
const readme: readonly (readonly [line: string, proof: Proof])[] = [
  ["npm start", { test: "tests/system/demo.test.ts", says: "sortgate demo" }],
  ["npm test", tests],
  [
    "sudo apt-get install -y git g++ make python3 mosquitto mosquitto-clients netcat-openbsd",
    { ci: ["apt-get install", "need g++", "need make", "need python3", "mosquitto-clients"] },
  ],
  ["sudo git clone REPOSITORY /opt/sortgate", clone],
  ["cd /opt/sortgate", ends()],
  ["sudo npm ci", install],
  ["sudo npm run build", build],
  ["sudo chmod 755 dist/sortgate.js", ends()],
  ["sudo ln -sfn /opt/sortgate/dist/sortgate.js /usr/bin/sortgate", ends()],
  ["sortgate version", ends(/^sortgate \d+\.\d+\.\d+ \(Node /)],
  ["mkdir /tmp/first", ends()],
  ["cd /tmp/first", ends()],
  ["sortgate init ./sortgate.toml --site HZ01 --id line-3", ends(/^Wrote /)],
  [
    "sortgate devices --config ./sortgate.toml",
    {
      async run(line, sandbox) {
        expect(await sandbox.run(line)).toMatchObject({ code: 0, text: expect.stringContaining("Serial ports") });
        sandbox.editConfig();
      },
    },
  ],
  ["sortgate check --config ./sortgate.toml", ends(/is fine\n/)],
  [
    "sortgate probe scanner-1 --seconds 10 --config ./sortgate.toml",
    ends(/^scanner-1 is open[\s\S]*→ read SF•{9}\d/, ["--seconds 10", "--seconds 2"]),
  ],
  [
    "sortgate run --config ./sortgate.toml",
    {
      async run(line, sandbox) {
        // The subscriber is known to the broker before the gateway first starts, as the README asks for.
        expect((await sandbox.run("mosquitto_sub -t 'sortgate/HZ01/line-3/#' -q 1 -c -i auditor -E")).code).toBe(0);
        await run(stays(/"gateway\/ready"/), line, sandbox);
        sandbox.copy("first/data/identity/device.crt", "first/line-3.crt");
      },
    },
  ],
  [
    "sortgate status --config ./sortgate.toml",
    {
      async run(line, sandbox) {
        await run(endsOnceUp, line, sandbox);
        // The README says there that an edit needs a restart, and that status tells.
        const told = /is not what the daemon runs with: an edit of the config needs a restart/;
        expect((await sandbox.run(line)).text).not.toMatch(told);
        const edited = "cp sortgate.toml kept.toml && printf '[log]\\nlevel = \"debug\"\\n' >> sortgate.toml";
        expect((await sandbox.run(edited)).code).toBe(0);
        expect((await sandbox.run(line)).text).toMatch(told);
        expect((await sandbox.run("mv kept.toml sortgate.toml")).code).toBe(0);
      },
    },
  ],
  ["sortgate watch --config ./sortgate.toml", stays(/ {2}read {2,}tunnel-1 {2,}scanner-1 {2,}SF•+\d{4} {2}waybill\n/)],
  [
    "mosquitto_sub -t 'sortgate/HZ01/line-3/#' -q 1 -c -i auditor -v > events.jsonl",
    {
      async run(line, sandbox) {
        const running = sandbox.start(line);
        await expect.poll(() => sandbox.size("first/events.jsonl"), { timeout: 20_000 }).toBeGreaterThan(0);
        await running.interrupt();
      },
    },
  ],
  ["sortgate verify events.jsonl --trust line-3.crt", ends(/^whole up to sequence \d+: .* authentic \(CN=line-3\)$/m)],
  [
    "mosquitto_sub -t 'sortgate/HZ01/line-3/#' -q 1 -c -i auditor -v -W 60 | cat events.jsonl - | sortgate verify - --trust line-3.crt",
    ends(/^whole up to sequence \d+: .* authentic \(CN=line-3\)$/m, ["-W 60", "-W 2"]),
  ],
  [
    "sortgate queue export --config ./sortgate.toml --reason TICKET-4711 --output whole.jsonl",
    ends(/events in whole\.jsonl/),
  ],
  [
    "sortgate verify whole.jsonl --trust /tmp/first/data/identity/device.crt",
    ends(/^whole up to sequence \d+: .* authentic/m),
  ],
  [
    "sortgate queue verify --config ./sortgate.toml --trust /tmp/first/data/identity/device.crt",
    ends(/^whole up to sequence \d+: .* authentic/m),
  ],
  ["mosquitto_sub -t 'sortgate/HZ01/line-3/log/checkpoint' -q 1 -C 1 > checkpoint.json", oneCheckpoint],
  [
    "sortgate queue export --config ./sortgate.toml --reason TICKET-4712 --output evidence.jsonl",
    ends(/events in evidence\.jsonl/),
  ],
  [
    "sortgate verify evidence.jsonl --trust line-3.crt --witness checkpoint.json",
    {
      async run(line, sandbox) {
        await run(ends(/^whole up to sequence \d+: .* authentic/m), line, sandbox);
        expect((await sandbox.run("head -n 2 evidence.jsonl > cut.jsonl")).code).toBe(0);
        const cut = await sandbox.run(line.replace("evidence", "cut"));
        expect(cut).toMatchObject({
          code: 1,
          text: expect.stringMatching(/cut off after 2: the witness knows \d+ events/),
        });
      },
    },
  ],
  [
    "sortgate keys csr --config ./sortgate.toml --out line-3.csr",
    {
      async run(line, sandbox) {
        expect((await sandbox.run(line)).code).toBe(0);
        sandbox.signRequest("first/line-3.csr", "first/line-3-new.crt");
      },
    },
  ],
  ["sortgate keys import line-3-new.crt --config ./sortgate.toml", ends(/^The new certificate is in place$/m)],
  [
    "sortgate keys show --config ./sortgate.toml",
    ends(/^In use now$[\s\S]*^In use after the restart$[\s\S]*^Try: systemctl restart sortgate/m),
  ],
  [
    "sortgate queue verify --config ./sortgate.toml --trust line-3.crt --trust line-3-new.crt",
    {
      async run(line, sandbox) {
        await restart(sandbox);
        await run(ends(/^whole up to sequence \d+: .* authentic/m), line, sandbox);
        // Both are needed now: neither alone vouches for all epochs.
        for (const one of [" --trust line-3.crt", " --trust line-3-new.crt"])
          expect((await sandbox.run(line.replace(one, ""))).code, one).toBe(1);
      },
    },
  ],
  ["npm ci", install],
  ["npm run build", build],
  ["npm run check", gate],
  ["npx vitest run tests/dedup", tests],
];

/** Proofs of systemd/README.md, in its order. */
const service: readonly (readonly [line: string, proof: Proof])[] = [
  ["sudo install -m 0644 /opt/sortgate/systemd/sortgate.sysusers.conf /etc/sysusers.d/sortgate.conf", ends()],
  ["sudo install -m 0644 /opt/sortgate/systemd/sortgate.tmpfiles.conf /etc/tmpfiles.d/sortgate.conf", ends()],
  ["sudo install -m 0644 /opt/sortgate/systemd/sortgate.service /etc/systemd/system/sortgate.service", ends()],
  [
    "sudo systemd-sysusers sortgate.conf",
    ends(/Creating group 'sortgate'[\s\S]*Creating user 'sortgate'/, ["sysusers", "sysusers --dry-run"]),
  ],
  [
    "sudo systemd-tmpfiles --create sortgate.conf",
    {
      async run(line, sandbox) {
        sandbox.disown("etc/tmpfiles.d/sortgate.conf");
        expect((await sandbox.run(line)).code).toBe(0);
        expect(sandbox.mode("etc/sortgate")).toBe("750");
        expect(sandbox.mode("var/lib/sortgate")).toBe("700");
      },
    },
  ],
  ["sudo sortgate init --site HZ01 --id line-3", endsWithDefaultConfig(/^Wrote .*sortgate\.toml$/m)],
  ["sudo sortgate check", endsWithDefaultConfig(/is fine\n/)],
  ["sudo systemctl daemon-reload", systemd],
  ["sudo systemctl enable sortgate", ends(/multi-user\.target\.wants\/sortgate\.service/)],
  ["sudo systemctl start sortgate", systemd],
  ["sudo sortgate status", { test: "tests/docs/commands.ts", says: "sortgate status --config ./sortgate.toml" }],
  ["sudo usermod -aG sortgate USER", { person: "changes the users of the machine" }],
  ["sudo systemctl stop sortgate", systemd],
  [
    "sudo -u sortgate sortgate probe scanner-1",
    { test: "tests/docs/commands.ts", says: "sortgate probe scanner-1 --seconds 10 --config ./sortgate.toml" },
  ],
  ["sudo systemctl start sortgate", systemd],
  ["sudo install -m 0644 /opt/sortgate/systemd/70-sortgate.rules /etc/udev/rules.d/70-sortgate.rules", ends()],
  ["sudo udevadm control --reload", systemd],
  ["sudo udevadm trigger --subsystem-match=tty", systemd],
  ["sudo CREDENTIALS_DIRECTORY=/etc/sortgate sortgate check", endsWithDefaultConfig(/is fine\n/)],
  ["systemctl status sortgate", systemd],
  ["journalctl -u sortgate -o cat -n 50", systemd],
  ["journalctl -u sortgate -o cat -f", systemd],
  ["sudo git clone --branch VERSION REPOSITORY /opt/sortgate-VERSION", clone],
  ["cd /opt/sortgate-VERSION", ends()],
  ["sudo npm ci", install],
  ["sudo npm run build", build],
  ["sudo chmod 755 dist/sortgate.js", ends()],
  ["sudo /opt/sortgate-VERSION/dist/sortgate.js check", endsWithDefaultConfig(/is fine\n/)],
  ["sudo ln -sfn /opt/sortgate-VERSION/dist/sortgate.js /usr/bin/sortgate", ends()],
  ["sudo systemctl restart sortgate", systemd],
  ["sudo ln -sfn /opt/sortgate/dist/sortgate.js /usr/bin/sortgate", ends()],
  ["sudo systemctl restart sortgate", systemd],
];

/** Proofs of all documents that hold commands. */
export const proofs: Readonly<Record<string, readonly (readonly [line: string, proof: Proof])[]>> = {
  "README.md": readme,
  "systemd/README.md": service,
  "config/README.md": [
    ["sudo sortgate init --site HZ01 --id line-3", endsWithDefaultConfig(/^Wrote /m)],
    ["sortgate devices", endsWithDefaultConfig(/^Serial ports of this machine$/m)],
    ["sortgate check", endsWithDefaultConfig(/is fine\n/)],
  ],
  "docs/performance.md": [...bench, ["npm run soak -- --minutes 60", { person: "takes an hour" }]],
  "docs/guarantees.md": [
    ["npm test", tests],
    ["npm run test:deep", deep],
    ["npm run test:deep -- power-cut", deep],
    ["node scripts/guarantees.mjs", { test: "tests/docs/guarantees.test.ts", says: "scripts/guarantees.mjs" }],
  ],
  "docs/privacy.md": [
    [
      "sortgate queue export --reason TICKET-4711 --confirm --output events.jsonl",
      {
        test: "tests/system/reveals.test.ts",
        says: "queue export --reason TICKET-4711 --confirm --output events.jsonl",
      },
    ],
    [
      "sortgate erase t1.J8sQ0aZk.xYp0Jx4m2n8rT1vQ5kWb9A --reason TICKET-4711",
      { test: "tests/cli/erase.test.ts", says: "t1.J8sQ0aZk.xYp0Jx4m2n8rT1vQ5kWb9A" },
    ],
    ...[
      "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out centre.key",
      "openssl pkey -in centre.key -pubout -out centre.pem",
      "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out centre-sm2.key",
      "openssl pkey -in centre-sm2.key -pubout -out centre-sm2.pem",
    ].map((line): [string, Proof] => [line, { test: "tests/docs/privacy.test.ts", says: line }]),
    [
      "sortgate open events.jsonl --key centre.key",
      { test: "tests/system/sealing.test.ts", says: '"open", captured()' },
    ],
    ...[
      "openssl genpkey -algorithm Ed25519 -out centre-policy.key",
      "openssl pkey -in centre-policy.key -pubout -out centre-policy.pem",
      "sortgate policy sign policy.json --key centre-policy.key > policy.jws",
      "sortgate check",
      "sortgate policy show",
    ].map((line): [string, Proof] => [line, { test: "tests/docs/signed-policy.test.ts", says: line }]),
    ...[
      "sortgate order sign order.json --key centre-policy.key > order.jws && mosquitto_pub -h broker.example -t sortgate/HZ01/line-3/order -q 1 -r -f order.jws",
      "mosquitto_pub -h broker.example -t sortgate/HZ01/line-3/order -q 1 -r -n",
    ].map((line): [string, Proof] => [line, { test: "tests/docs/orders.test.ts", says: line }]),
  ],
  "tests/README.md": [
    ["npm test", tests],
    ["npx vitest run tests/dedup", tests],
    [
      'npx vitest run tests/system/delivery.test.ts -t "kill -9"',
      { test: "tests/system/delivery.test.ts", says: "after kill -9" },
    ],
    ["npm run soak -- --minutes 60", { person: "takes an hour" }],
    ["npm run soak -- --minutes 1 --rate 50", { test: "tests/system/soak.test.ts", says: '"--minutes", "1"' }],
    ["npm run fuzz -- --minutes 10", { test: "tests/deep/fuzz.test.ts", says: '"--minutes", "0.5"' }],
    ...bench,
    [
      "npm run simulate:faults -- --seeds 10000",
      { test: "tests/simulator/faults.test.ts", says: "finds nothing in 200 histories" },
    ],
    [
      "npm run simulate:faults -- --seed 88 --seeds 1 --verbose",
      { test: "tests/simulator/faults.test.ts", says: "prints one history" },
    ],
  ],
};

/** Runs what the proof says; does nothing for a command that others prove. */
export async function run(proof: Proof, line: string, sandbox: Sandbox): Promise<void> {
  if ("run" in proof) await proof.run(line, sandbox);
}
