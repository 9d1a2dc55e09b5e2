"""Verifies a captured chain with the public contract alone: no code of the gateway, another language, other libraries.

Reads one event per line, in any order, repeats allowed, and the device's certificate; prints what it found as JSON.
Needs python3-cryptography, for Ed25519 and RSA-PSS (RFC 8032, RFC 8017).
"""

import base64
import hashlib
import json
import math
import sys

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64(data) != text:
        raise ValueError("not the one spelling of base64url")
    return data


def no_duplicates(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a member name stands twice")
    return dict(pairs)


def number(value) -> str:
    """A number as ECMAScript writes it (RFC 8785 section 3.2.2.3)."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise ValueError("a number that is not finite")
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    power = int(exponent)
    if -7 <= power < 0:
        sign, digits = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
        return sign + "0." + "0" * (-power - 1) + digits.replace(".", "")
    return mantissa + "e" + ("+" if power > 0 else "") + str(power)


def canonical(value) -> str:
    """The canonical form of RFC 8785."""
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(json.dumps(name, ensure_ascii=False) + ":" + canonical(value[name]) for name in names) + "}"


def thumbprint(jwk) -> str:
    return b64(hashlib.sha256(canonical({name: jwk[name] for name in ("crv", "kty", "x")}).encode()).digest())


def signing_input(header: str, payload: str) -> bytes:
    return (header + "." + b64(payload.encode())).encode()


def check_endorsement(event, trusted) -> None:
    data = event["data"]
    header, payload, signature = data["endorsement"].split(".")
    told = json.loads(unb64(header))
    if told["alg"] != "PS256":
        raise ValueError("the endorsement has another algorithm")
    leaf = x509.load_der_x509_certificate(base64.b64decode(told["x5c"][0]))
    if leaf.fingerprint(hashes.SHA256()) != trusted.fingerprint(hashes.SHA256()):
        raise ValueError("the endorsement is by another device")
    gateway, chain, sequence = event["id"].split("/")
    site = event["source"].split("/")[2]
    wanted = {"chain": chain, "gateway": gateway, "key": data["key"], "sequence": event["sequence"], "site": site}
    if "gm" in data:
        # The SM2 key of the national algorithms is endorsed with the other one.
        wanted["gm"] = data["gm"]
    spoken = json.loads(unb64(payload))
    if {name: str(part) if name == "sequence" else part for name, part in spoken.items()} != wanted:
        raise ValueError("the endorsement is for something else")
    leaf.public_key().verify(
        unb64(signature),
        (header + "." + payload).encode(),
        padding.PSS(padding.MGF1(hashes.SHA256()), 32),
        hashes.SHA256(),
    )


def check_signature(event, keys) -> None:
    signature = event["signature"]
    header, payload, value = signature.split(".")
    if payload != "":
        raise ValueError("the signature is not detached")
    told = json.loads(unb64(header), object_pairs_hook=no_duplicates)
    if told != {"alg": "Ed25519", "kid": told["kid"], "typ": "sortgate-event+jws"}:
        raise ValueError("the signature has another header")
    if told["kid"] != keys[-1][0]:
        raise ValueError("not signed by the latest epoch key")
    unsigned = {name: part for name, part in event.items() if name != "signature"}
    keys[-1][1].verify(unb64(value), signing_input(header, canonical(unsigned)))


def root_of(leaves) -> bytes:
    """The Merkle tree hash of RFC 9162 section 2.1.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + root_of(leaves[:split]) + root_of(leaves[split:])).digest()


def judge(lines, trusted):
    """What is in these lines, and everything that is wrong with them."""
    found = {}
    problems = []
    for line in lines:
        try:
            event = json.loads(line.decode(), object_pairs_hook=no_duplicates)
            sequence = int(event["sequence"])
            if sequence in found and found[sequence][0] != line:
                problems.append(f"{sequence}: two contents")
            found[sequence] = (line, event)
        except (ValueError, KeyError, TypeError) as error:
            problems.append(f"no event: {error}")
    previous = "A" * 43
    keys = []
    leaves = []
    epochs = 0
    checkpoints = 0
    for sequence in range(1, max(found, default=0) + 1):
        if sequence not in found:
            problems.append(f"{sequence}: missing")
            if len(problems) > 20:
                break
            continue
        line, event = found[sequence]
        try:
            if line != canonical(event).encode():
                raise ValueError("not in canonical form")
            if event["previous"] != previous:
                raise ValueError("does not follow the event before")
            if event["type"] == "org.sortgate.epoch.v1":
                jwk = event["data"]["key"]
                check_endorsement(event, trusted)
                keys.append((thumbprint(jwk), ed25519.Ed25519PublicKey.from_public_bytes(unb64(jwk["x"]))))
                epochs += 1
            check_signature(event, keys)
            if event["type"] == "org.sortgate.checkpoint.v1":
                if b64(root_of(leaves[: event["data"]["size"]])) != event["data"]["root"]:
                    raise ValueError("another root")
                checkpoints += 1
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, InvalidSignature) as error:
            problems.append(f"{sequence}: {type(error).__name__} {error}")
        previous = b64(hashlib.sha256(line).digest())
        leaves.append(hashlib.sha256(b"\x00" + line).digest())
    return {"events": len(found), "epochs": epochs, "checkpoints": checkpoints, "problems": problems[:20]}


def flip_each_byte(lines, trusted, index):
    """Alters one byte of one line at a time: how many such copies there are, and which of them nobody would notice."""
    unnoticed = []
    for at in range(len(lines[index])):
        altered = bytearray(lines[index])
        altered[at] ^= 1
        copy = lines[:index] + [bytes(altered)] + lines[index + 1 :]
        if not judge(copy, trusted)["problems"]:
            unnoticed.append(at)
    return {"tried": len(lines[index]), "unnoticed": unnoticed}


def main() -> None:
    events_path, certificate_path, *flipped = sys.argv[1:]
    with open(certificate_path, "rb") as file:
        trusted = x509.load_pem_x509_certificate(file.read())
    with open(events_path, "rb") as file:
        lines = file.read().split(b"\n")[:-1]
    answer = flip_each_byte(lines, trusted, int(flipped[0])) if flipped else judge(lines, trusted)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
