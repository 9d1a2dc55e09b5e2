import type { OPCUACertificateManager } from "node-opcua-certificate-manager";
import {
  type ClientSession,
  type EndpointDescription,
  MessageSecurityMode,
  OPCUAClient,
  type OPCUAClientOptions,
  SecurityPolicy,
  type UserIdentityInfo,
  UserTokenType,
} from "node-opcua-client";
import type { DriverContext, EndReason, OwnCertificate, Session, SessionEnd } from "../../src/driver/port.ts";
import { readSmallFile } from "../../src/lib/small-file.ts";
import { SortgateError } from "../../src/model/error.ts";
import { limits } from "../../src/model/limits.ts";
import { checkServer, openStore, trustFile } from "./certificates.ts";
import { atMost, within } from "./deadline.ts";
import { explainConnect } from "./explain.ts";
import type { OpcuaSettings } from "./settings.ts";

/** A socket that is silent for this long is dead; the library's own value is a minute. */
const transportTimeoutMs = 5_000;
/** How often a session without traffic asks the server for a sign of life. */
const keepAliveMs = 2_000;
/** A server that does not answer may take this long of a close; then the socket is left to its own timeout. */
const disconnectMs = 2_000;

/** One session with one server. It ends once and is never mended: the supervisor opens another. */
export interface Connection extends Session {
  readonly session: ClientSession;
  /** True until the session has ended; what arrives later goes nowhere. */
  isOpen(): boolean;
  /** Ends the session; the first reason counts. */
  end(reason: EndReason, sentence: string): void;
}

/** Policies that are still safe, the strongest first. */
const policies: readonly string[] = [
  SecurityPolicy.Aes256_Sha256_RsaPss,
  SecurityPolicy.Basic256Sha256,
  SecurityPolicy.Aes128_Sha256_RsaOaep,
];

const modes = {
  none: MessageSecurityMode.None,
  sign: MessageSecurityMode.Sign,
  "sign-and-encrypt": MessageSecurityMode.SignAndEncrypt,
} as const;

/**
 * Connects to a server and logs in, once.
 *
 * Fails:   with a `SortgateError` of area `device`, within the connect timeout.
 * Source:  OPC 10000-4 §6.1.4: endpoints are asked for first, then the one with the wanted security is opened.
 */
export async function connect(settings: OpcuaSettings, context: DriverContext): Promise<Connection> {
  const identity = await identityOf(settings);
  const store = await openStore(context.stateDir);
  if (settings.server_cert_file !== undefined) await trustFile(store, settings.server_cert_file);
  const clients: OPCUAClient[] = [];
  const make = (options: OPCUAClientOptions): OPCUAClient => {
    const client = OPCUAClient.create({ ...optionsOf(store, context.ownCertificate), ...options });
    clients.push(client);
    return client;
  };
  const late = (): SortgateError =>
    new SortgateError("device/unreachable", `The server at ${settings.endpoint} does not answer`, {
      hint: `Check that an OPC UA server runs at this address, then run: sortgate probe ${context.device}`,
    });
  try {
    const work = logIn(settings, context, store, identity, make);
    const { client, session } = await within(work, limits.connectTimeoutMs, context.signal, late);
    return holdOpen(client, session, store, context);
  } catch (error) {
    for (const client of clients) void atMost(client.disconnect(), disconnectMs);
    throw explainConnect(error, settings, store.rootDir);
  }
}

async function logIn(
  settings: OpcuaSettings,
  context: DriverContext,
  store: OPCUACertificateManager,
  identity: UserIdentityInfo,
  make: (options: OPCUAClientOptions) => OPCUAClient,
): Promise<{ client: OPCUAClient; session: ClientSession }> {
  const scout = make({});
  await scout.connect(settings.endpoint);
  const offered = await scout.getEndpoints();
  await scout.disconnect();
  const endpoint = choose(offered, settings);
  checkLogin(endpoint, settings, context);
  const securityMode = modes[settings.security];
  if (securityMode !== MessageSecurityMode.None)
    await checkServer(store, endpoint.serverCertificate, settings.endpoint);
  const client = make({
    securityMode,
    securityPolicy: endpoint.securityPolicyUri as SecurityPolicy,
    ...(securityMode === MessageSecurityMode.None ? {} : { serverCertificate: endpoint.serverCertificate }),
  });
  await client.connect(settings.endpoint);
  return { client, session: await client.createSession(identity) };
}

const optionsOf = (store: OPCUACertificateManager, own: OwnCertificate | undefined): OPCUAClientOptions => ({
  applicationName: "sortgate",
  clientCertificateManager: store,
  ...(own === undefined ? {} : { certificateFile: own.certificatePath, privateKeyFile: own.keyPath }),
  // The library fills in ten retries where a field is missing, and reconnects by itself unless maxRetry is 0.
  connectionStrategy: { initialDelay: 100, maxDelay: 1_000, maxRetry: 0, randomisationFactor: 0 },
  // A server behind another address than the one it knows of itself is still the server we asked for.
  endpointMustExist: false,
  keepSessionAlive: true,
  keepAliveInterval: keepAliveMs,
  transportTimeout: transportTimeoutMs,
  defaultTransactionTimeout: limits.connectTimeoutMs,
});

function choose(offered: readonly EndpointDescription[], settings: OpcuaSettings): EndpointDescription {
  const mode = modes[settings.security];
  const fitting = offered.filter((endpoint) => endpoint.securityMode === mode);
  if (mode === MessageSecurityMode.None && fitting[0] !== undefined) return fitting[0];
  for (const policy of policies) {
    const found = fitting.find((endpoint) => endpoint.securityPolicyUri === policy);
    if (found !== undefined) return found;
  }
  const names = new Set(offered.map((endpoint) => nameOf(endpoint.securityMode)).filter((name) => name !== ""));
  throw new SortgateError(
    "device/misconfigured",
    `The server at ${settings.endpoint} does not offer security "${settings.security}" with a policy that is still safe`,
    { hint: names.size === 0 ? "Enable an endpoint at the server" : `The server offers: ${[...names].join(", ")}` },
  );
}

const nameOf = (mode: MessageSecurityMode): string =>
  Object.entries(modes).find(([, value]) => value === mode)?.[0] ?? "";

function checkLogin(endpoint: EndpointDescription, settings: OpcuaSettings, context: DriverContext): void {
  const tokens = endpoint.userIdentityTokens ?? [];
  const wanted = settings.username === undefined ? UserTokenType.Anonymous : UserTokenType.UserName;
  if (!tokens.some((token) => token.tokenType === wanted)) {
    const missing = settings.username === undefined ? "nobody in without a login" : "no login by user name";
    throw new SortgateError("device/misconfigured", `The server at ${settings.endpoint} lets ${missing}`, {
      hint:
        settings.username === undefined
          ? "Set username and password_file to a login of the server"
          : "Remove username and password_file, or enable logins by user name at the server",
    });
  }
  if (settings.username !== undefined && settings.security === "none")
    context.tell({
      name: "device/warning",
      level: "warn",
      message: `${context.device} logs in over a connection that is not encrypted; set security to "sign-and-encrypt"`,
      fields: { device: context.device },
    });
}

async function identityOf(settings: OpcuaSettings): Promise<UserIdentityInfo> {
  if (settings.username === undefined) return { type: UserTokenType.Anonymous };
  let password = "";
  if (settings.password_file !== undefined) {
    try {
      password = (await readSmallFile(settings.password_file)).toString("utf8").replace(/\r?\n$/, "");
    } catch (cause) {
      throw new SortgateError("device/misconfigured", `Cannot read password_file ${settings.password_file}`, {
        hint: "Check the path, and that the user that runs sortgate may read the file",
        cause,
      });
    }
  }
  return { type: UserTokenType.UserName, userName: settings.username, password };
}

function holdOpen(
  client: OPCUAClient,
  session: ClientSession,
  store: OPCUACertificateManager,
  context: DriverContext,
): Connection {
  let open = true;
  let settle: (end: SessionEnd) => void = () => undefined;
  let gone: Promise<void> | undefined;
  const ended = new Promise<SessionEnd>((resolve) => {
    settle = resolve;
  });
  const end = (reason: EndReason, sentence: string): void => {
    if (!open) return;
    open = false;
    context.signal.removeEventListener("abort", abort);
    gone = atMost(
      client.disconnect().finally(() => store.dispose()),
      disconnectMs,
    );
    settle({ reason, sentence });
  };
  const abort = (): void => end("closed", "The device was let go");
  context.signal.addEventListener("abort", abort, { once: true });
  client.on("connection_lost", () => end("closed", "The connection to the server broke"));
  client.on("start_reconnection", () => end("closed", "The connection to the server broke"));
  client.on("backoff", () => end("closed", "The connection to the server broke"));
  client.on("abort", () => end("closed", "The server broke off the connection"));
  client.on("close", () => end("closed", "The server closed the connection"));
  session.on("session_closed", () => end("closed", "The server closed the session"));
  session.on("keepalive_failure", () => end("timeout", "The server no longer answers for this session"));
  if (context.signal.aborted) abort();
  return {
    session,
    ended,
    isOpen: () => open,
    end,
    async close() {
      end("closed", "Closed by this gateway");
      await gone;
    },
  };
}
