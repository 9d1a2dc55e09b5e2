import "../drivers/opcua/environment.ts";
import { join } from "node:path";
import {
  MessageSecurityMode,
  OPCUACertificateManager,
  OPCUAServer,
  type OPCUAServerOptions,
  SecurityPolicy,
} from "node-opcua";

/** Who may come in, and how. */
export interface ServerAccess {
  /** Message security that the server offers; `none` unless told otherwise. */
  readonly security?: "none" | "sign-and-encrypt";
  /** The one login; without it everybody may come in. */
  readonly login?: { readonly username: string; readonly password: string };
}

export interface VirtualServer {
  readonly server: OPCUAServer;
  /** Call when the address space is filled; resolves to the endpoint's address. */
  listen(): Promise<string>;
  /** The server's own certificate, PEM. */
  readonly certificateFile: string;
  /** What the last client that logged in showed, DER; absent if it showed none. */
  clientCertificate(): Uint8Array | undefined;
  close(): Promise<void>;
}

const storeOf = (folder: string, accept: boolean): OPCUACertificateManager =>
  new OPCUACertificateManager({
    rootFolder: folder,
    automaticallyAcceptUnknownCertificate: accept,
    disableFileWatchers: true,
  });

const securityOf = (access: ServerAccess): OPCUAServerOptions =>
  access.security === "sign-and-encrypt"
    ? {
        securityModes: [MessageSecurityMode.SignAndEncrypt],
        securityPolicies: [SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes256_Sha256_RsaPss],
      }
    : { securityModes: [MessageSecurityMode.None], securityPolicies: [SecurityPolicy.None] };

/**
 * Prepares a real OPC UA server on 127.0.0.1 that keeps every file below `stateDir`.
 *
 * Takes:   `port` 0 for any free port.
 * Cost:    about four seconds to load the AutoID model.
 */
export async function prepareServer(options: {
  readonly port: number;
  readonly stateDir: string;
  readonly nodesets: string[];
  readonly access: ServerAccess;
}): Promise<VirtualServer> {
  const certificates = storeOf(join(options.stateDir, "server-pki"), true);
  const userCertificates = storeOf(join(options.stateDir, "user-pki"), false);
  await certificates.initialize();
  await userCertificates.initialize();
  const { login } = options.access;
  const server = new OPCUAServer({
    port: options.port,
    host: "127.0.0.1",
    hostname: "127.0.0.1",
    nodeset_filename: options.nodesets,
    serverCertificateManager: certificates,
    userCertificateManager: userCertificates,
    allowAnonymous: login === undefined,
    ...(login === undefined
      ? {}
      : {
          userManager: {
            isValidUser: (name: string, word: string) => name === login.username && word === login.password,
          },
        }),
    ...securityOf(options.access),
  });
  await server.initialize();
  let clientCertificate: Uint8Array | undefined;
  server.on("create_session", (session) => {
    clientCertificate = session.channel?.clientCertificate ?? undefined;
  });
  return {
    server,
    clientCertificate: () => clientCertificate,
    certificateFile: server.certificateFile,
    async listen() {
      await server.start();
      return `opc.tcp://127.0.0.1:${server.endpoints[0]?.port ?? options.port}`;
    },
    async close() {
      await server.shutdown(0);
      await certificates.dispose();
      await userCertificates.dispose();
    },
  };
}
