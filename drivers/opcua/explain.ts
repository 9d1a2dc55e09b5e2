import { SortgateError } from "../../src/model/error.ts";
import type { OpcuaSettings } from "./settings.ts";

interface Explanation {
  readonly pattern: RegExp;
  readonly explain: (settings: OpcuaSettings, storeDir: string) => readonly [ConnectCode, string, string];
}

type ConnectCode = "device/refused" | "device/unreachable";

/** What node-opcua says only in the words of its messages, and what it means to a technician. The first match counts. */
const explanations: readonly Explanation[] = [
  {
    pattern: /ECONNREFUSED|ECONNREF/,
    explain: ({ endpoint }) => [
      "device/unreachable",
      `Nothing listens at ${endpoint}`,
      "Check that the device is on and its OPC UA server enabled, and that the port is right",
    ],
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN/,
    explain: ({ endpoint }) => [
      "device/unreachable",
      `The name in ${endpoint} is not known here`,
      "Check the spelling, or use the device's IP address",
    ],
  },
  {
    pattern: /EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/,
    explain: ({ endpoint }) => [
      "device/unreachable",
      `There is no way to ${endpoint}`,
      "Check the cable, the address and the network settings of this box",
    ],
  },
  {
    pattern: /BadUserAccessDenied|BadIdentityToken|BadUserSignature/,
    explain: ({ endpoint, username }) => [
      "device/refused",
      `The server at ${endpoint} refuses the login of ${username === undefined ? "a guest" : `user "${username}"`}`,
      "Check username and the content of password_file against the users of the server",
    ],
  },
  {
    pattern: /BadCertificate|BadSecurityChecksFailed|BadApplicationSignature/,
    explain: ({ endpoint }, storeDir) => [
      "device/refused",
      `The server at ${endpoint} does not trust the certificate of this gateway`,
      `Accept it at the server; it lies in ${storeDir}/own/certs/client_certificate.pem`,
    ],
  },
  {
    pattern: /BadTooManySessions|BadMaxConnectionsReached|BadTcpNotEnoughResources/,
    explain: ({ endpoint }) => [
      "device/refused",
      `The server at ${endpoint} has no session left for this gateway`,
      "Close other clients of the server, or let it accept more sessions",
    ],
  },
  {
    pattern: /timeout|ECONNABORTED|has been aborted/i,
    explain: ({ endpoint }) => [
      "device/unreachable",
      `Something listens at ${endpoint}, but it does not answer as an OPC UA server`,
      "Check the port, and restart the device if the port is right",
    ],
  },
];

/** Makes one sentence and a next step of whatever a connect failed with. */
export function explainConnect(error: unknown, settings: OpcuaSettings, storeDir: string): SortgateError {
  if (error instanceof SortgateError) return error;
  const message = error instanceof Error ? error.message : String(error);
  for (const { pattern, explain } of explanations) {
    if (!pattern.test(message)) continue;
    const [code, sentence, hint] = explain(settings, storeDir);
    return new SortgateError(code, sentence, { hint, cause: error });
  }
  return new SortgateError("device/unreachable", `Cannot open a session with the server at ${settings.endpoint}`, {
    hint: "Check that this is the address of an OPC UA server, and that it accepts this gateway",
    cause: error,
  });
}
