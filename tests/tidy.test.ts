import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

/** Every TypeScript file of ours below a folder, as paths from the root. */
function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => `${folder}/${path}`);
}

const files = [...sources("src"), ...sources("drivers"), ...sources("simulator")];

/** What a file imports: statically, for types, or lazily. */
function imports(path: string): string[] {
  const text = readFileSync(join(root, path), "utf8");
  const forms = [
    /^(?:import|export|\})[^";]* from "([^"]+)";$/gm,
    /^import "([^"]+)";$/gm,
    /\b(?:import|require)\("([^"]+)"\)/g,
  ];
  const specifiers = forms.flatMap((form) => [...text.matchAll(form)].map((match) => match[1]!));
  return specifiers;
}

/** Our own file that a relative import leads to, as a path from the root. */
function target(path: string, specifier: string): string {
  return normalize(join(dirname(path), specifier));
}

function moduleOf(path: string): string {
  const [top, second] = path.split("/");
  if (top === "simulator") return second === "faults" ? "simulator/faults" : "simulator";
  if (top === "drivers") return second === "index.ts" ? "drivers/index" : `drivers/${second!.replace(/\.ts$/, "")}`;
  if (second!.endsWith(".ts")) return second!;
  return second!;
}

function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? `${parts[0]}/${parts[1]}` : parts[0]!;
}

/** Design: architecture.md §3. Every module may import itself, and node:*. */
const table: Record<string, { ours: string[]; packages: string[] }> = {
  lib: { ours: [], packages: [] },
  model: { ours: ["lib"], packages: [] },
  driver: { ours: ["model", "lib"], packages: ["zod"] },
  dedup: { ours: ["model", "lib"], packages: ["zod"] },
  guard: { ours: ["model", "lib"], packages: ["zod", "jose", "sm-crypto-v2"] },
  seal: { ours: ["model", "lib"], packages: ["zod", "sodium-native", "sm-crypto-v2"] },
  ledger: { ours: ["model", "lib"], packages: ["zod", "better-sqlite3"] },
  forward: { ours: ["model", "lib"], packages: ["zod", "mqtt"] },
  identity: { ours: ["model", "lib"], packages: ["zod", "node-forge"] },
  workers: { ours: ["seal", "ledger", "identity", "model", "lib"], packages: [] },
  config: { ours: ["model", "lib"], packages: ["zod", "toml-eslint-parser"] },
  control: { ours: ["model", "lib"], packages: ["zod", "prom-client"] },
  telemetry: { ours: ["model", "lib"], packages: ["zod", "pino", "prom-client"] },
  "head-start.ts": { ours: ["config", "policy.ts", "workers", "model"], packages: [] },
  "guarding.ts": { ours: ["guard", "policy.ts", "workers", "model", "lib"], packages: [] },
  "policy.ts": { ours: ["config", "control", "guard", "identity", "model", "lib"], packages: [] },
  "intake.ts": { ours: ["back-pressure.ts", "workers", "model"], packages: [] },
  orders: { ours: ["config", "control", "guard", "identity", "workers", "model", "lib"], packages: [] },
  "pipeline.ts": { ours: ["dedup", "guard", "driver", "model", "lib"], packages: [] },
  "back-pressure.ts": { ours: ["model", "lib"], packages: [] },
  "data-dir.ts": { ours: ["model"], packages: [] },
  "forecast.ts": { ours: ["model", "lib"], packages: [] },
  "watches.ts": {
    ours: [
      "config",
      "control",
      "forecast.ts",
      "forward",
      "identity",
      "self-watch.ts",
      "telemetry",
      "workers",
      "model",
      "lib",
    ],
    packages: [],
  },
  "self-watch.ts": { ours: ["forecast.ts", "model", "lib"], packages: [] },
  "status.ts": {
    ours: [
      "back-pressure.ts",
      "config",
      "control",
      "driver",
      "forecast.ts",
      "forward",
      "identity",
      "pipeline.ts",
      "policy.ts",
      "workers",
      "model",
      "lib",
    ],
    packages: [],
  },
  cli: {
    ours: [
      "config",
      "control",
      "identity",
      "seal",
      "driver",
      "drivers/index",
      "simulator",
      "policy.ts",
      "orders",
      "model",
      "lib",
    ],
    packages: ["commander", "serialport"],
  },
  "main.ts": { ours: ["cli"], packages: [] },
  simulator: { ours: ["seal", "model", "lib"], packages: ["node-opcua", "aedes", "mqtt"] },
  // It drives the core itself, and so it knows all of it.
  "simulator/faults": {
    ours: [
      ...[
        "dedup",
        "guard",
        "ledger",
        "forward",
        "workers",
        "identity",
        "seal",
        "pipeline.ts",
        "self-watch.ts",
        "model",
        "lib",
      ],
      ...["drivers/profiles", "simulator"],
    ],
    packages: [],
  },
  "drivers/index": { ours: ["driver"], packages: [] },
  "drivers/framing": { ours: ["driver", "model", "lib"], packages: [] },
  "drivers/profiles": { ours: ["drivers/framing", "driver", "model", "lib"], packages: [] },
  "drivers/serial": { ours: ["drivers/framing", "driver", "model", "lib"], packages: ["zod", "serialport"] },
  "drivers/tcp": { ours: ["drivers/framing", "driver", "model", "lib"], packages: ["zod"] },
  "drivers/opcua": {
    ours: ["drivers/framing", "driver", "model", "lib"],
    packages: ["zod", "node-opcua-client", "node-opcua-certificate-manager"],
  },
};

describe("imports", () => {
  it("follow the table of the design", () => {
    const offences = files
      .filter((path) => path !== "src/gateway.ts")
      .flatMap((path) => {
        const from = moduleOf(path);
        const row = table[from];
        if (row === undefined) return [`${path} belongs to no module of the table`];
        return imports(path).flatMap((specifier) => {
          if (specifier.startsWith("node:")) return [];
          if (!specifier.startsWith("."))
            return row.packages.includes(packageOf(specifier)) ? [] : [`${path} imports ${specifier}`];
          const to = target(path, specifier);
          const module = moduleOf(to);
          const isOwn = module === from || (from === "drivers/index" && module.startsWith("drivers/"));
          const isSettings = from === "config" && to.endsWith("/settings.ts");
          // The library reads its environment when it is loaded, in the simulator's process too.
          const isQuiet = from === "simulator" && to === "drivers/opcua/environment.ts";
          const isRun = path === "src/cli/commands/run.ts" && (to === "src/gateway.ts" || to === "src/head-start.ts");
          // The centre's side of sealing, which is no part of the daemon.
          const isOpening = path === "src/cli/commands/open.ts" && to === "src/guard/open.ts";
          // Views are made where the key is, by what the guard says may be seen.
          const isView = from === "workers" && to === "src/guard/view.ts";
          const isSigning =
            (path === "src/cli/commands/policy.ts" || path === "src/cli/signing.ts") &&
            to === "src/guard/policy/index.ts";
          return isOwn ||
            isOpening ||
            isView ||
            isSigning ||
            isSettings ||
            isQuiet ||
            isRun ||
            row.ours.includes(module)
            ? []
            : [`${path} imports ${to}`];
        });
      });
    expect(offences).toEqual([]);
  });

  it("of a stage go through its index.ts", () => {
    const open = new Set(["lib", "model"]);
    const offences = files.flatMap((path) =>
      imports(path)
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => target(path, specifier))
        .filter((to) => {
          const module = moduleOf(to);
          if (module === moduleOf(path) || open.has(module) || module.endsWith(".ts")) return false;
          if (path === "drivers/index.ts" || /\/settings\.ts$/.test(to)) return false;
          if (path.startsWith("drivers/") && to === "src/driver/port.ts") return false;
          // Its histories hold the time: what is loaded lazily would wait for the real one.
          if (module === "drivers/profiles" && path.startsWith("simulator/faults/")) return false;
          if (to.startsWith("simulator/belt/") && path.startsWith("simulator/faults/")) return false;
          // The daemon's main thread has no use for it, and would load SQLite with it.
          if (path.startsWith("simulator/faults/") && to === "src/workers/begin.ts") return false;
          if (path === "src/cli/commands/open.ts" && to === "src/guard/open.ts") return false;
          if (path.startsWith("src/workers/") && to === "src/guard/view.ts") return false;
          if (path === "src/main.ts" || to === "drivers/opcua/environment.ts") return false;
          return !to.endsWith("/index.ts") && module !== "drivers/index";
        })
        .map((to) => `${path} imports ${to}`),
    );
    expect(offences).toEqual([]);
  });

  it.each([
    ["nobody but the guard clear a read", "brandCleared", "src/guard/"],
    ["nobody but the guard make a view", "brandView", "src/guard/"],
    ["nobody but the seal sign a view", "brandSealedView", "src/seal/"],
  ])("let %s", (_, brand, folder) => {
    const offences = files.filter(
      (path) =>
        path !== "src/model/event.ts" &&
        !path.startsWith(folder) &&
        readFileSync(join(root, path), "utf8").includes(brand),
    );
    expect(offences).toEqual([]);
  });
});

describe("files", () => {
  it("of the program stay below 400 lines, tests below 600", () => {
    const long = [...files.map((path) => [path, 400] as const), ...sources("tests").map((path) => [path, 600] as const)]
      .map(([path, most]) => [path, readFileSync(join(root, path), "utf8").split("\n").length - 1, most] as const)
      .filter(([, count, most]) => count > most);
    expect(long).toEqual([]);
  });

  it("hold no skipped test and no switched-off rule", () => {
    const marks =
      /\b(?:it|test|describe)\.(?:skip|todo|only)\b|\bskipIf\(|\.runIf\(|biome-ignore|@ts-(?:ignore|expect-error)/;
    const offences = [...files, ...sources("tests")].filter(
      (path) => path !== relative(root, import.meta.filename) && marks.test(readFileSync(join(root, path), "utf8")),
    );
    expect(offences).toEqual([]);
  });

  it("of the lock are ones that npm ci accepts: every optional package that is named has its entry", () => {
    const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const present = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, "")));
    const missing = Object.values(packages)
      .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
      .filter((name) => !present.has(name));
    expect(missing).toEqual([]);
  });

  it("of the lock name no host", () => {
    expect(readFileSync(join(root, "package-lock.json"), "utf8")).not.toContain('"resolved"');
  });
});
