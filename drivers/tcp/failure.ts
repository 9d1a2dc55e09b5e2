import { SortgateError, systemCode } from "../../src/model/error.ts";

/** Explains why a scanner could not be called. */
export function explainConnectFailure(host: string, port: number, error: unknown): SortgateError {
  const code = systemCode(error);
  const detail = { cause: error, context: { host, port } };
  if (code === "ECONNREFUSED")
    return new SortgateError("device/refused", `${host} refuses connections at port ${port}`, {
      hint: `check the port number and that the device's TCP server is switched on; try by hand: nc ${host} ${port}`,
      ...detail,
    });
  if (["ENOTFOUND", "EAI_AGAIN", "EAI_NODATA", "EAI_NONAME"].includes(code))
    return new SortgateError("device/misconfigured", `The host name ${host} is not known`, {
      hint: "write the address of the device as host, such as 10.1.4.20, or correct the name",
      ...detail,
    });
  if (["EHOSTUNREACH", "ENETUNREACH", "ENETDOWN", "EHOSTDOWN"].includes(code))
    return new SortgateError("device/unreachable", `There is no way to ${host}`, {
      hint: `check network cable, address and netmask of this box: ip route get ${host}`,
      ...detail,
    });
  if (code === "ETIMEDOUT") return connectTimedOut(host, port, error);
  return new SortgateError("device/unreachable", `Connecting to ${host} port ${port} failed${reasonIn(code)}`, {
    hint: `try by hand: nc ${host} ${port}`,
    ...detail,
  });
}

/** The scanner did not answer at all: switched off, or a firewall swallows the call. */
export function connectTimedOut(host: string, port: number, cause?: unknown): SortgateError {
  return new SortgateError("device/silent", `${host} does not answer at port ${port}`, {
    hint: `check that the device is switched on and its address is right: ping ${host}`,
    cause,
    context: { host, port },
  });
}

/** Explains why this box cannot listen for a scanner. */
export function explainListenFailure(host: string, port: number, error: unknown): SortgateError {
  const code = systemCode(error);
  const detail = { cause: error, context: { host, port } };
  if (code === "EADDRINUSE")
    return new SortgateError("device/refused", `Port ${port} on ${host} is in use by another program`, {
      hint: `find it with: ss -ltnp 'sport = :${port}', stop it or choose another port`,
      ...detail,
    });
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN")
    return new SortgateError(
      "device/misconfigured",
      `${host} is not an address of this box, so it cannot listen there`,
      {
        hint: "set host to one of the addresses that this shows: ip -brief address",
        ...detail,
      },
    );
  if (code === "EACCES")
    return new SortgateError("device/refused", `No permission to listen at port ${port}`, {
      hint: "choose a port from 1024 on",
      ...detail,
    });
  return new SortgateError("device/unreachable", `Listening on ${host} port ${port} failed${reasonIn(code)}`, {
    hint: "choose another host or port",
    ...detail,
  });
}

/** The supervisor let go while the device was being opened. */
export function givenUp(host: string, port: number): SortgateError {
  return new SortgateError("device/closed", `Opening ${host} port ${port} was given up on request`, {
    hint: "open it again",
  });
}

function reasonIn(code: string): string {
  return code === "" ? "" : ` (${code})`;
}
