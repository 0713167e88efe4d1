// Checks the proof of a gift with a public key of the transparency log: the same check as `roomlog audit check`. The module has
// no dependencies, and runs in browsers (on https: or localhost) and in Node 20 or newer. docs/AUDIT.md describes the files.

/** ProofError says why a proof does not hold. Its code is "proof", "signature", "key", or "unsupported" if this program has no Ed25519. */
export class ProofError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "ProofError";
    this.code = code;
  }
}

const wrong = (message) => new ProofError("proof", message);
const utf8 = new TextEncoder();

/**
 * checkProof checks the bytes of a proof with one public key or several, separated by spaces. It returns the receipt of the gift
 * (null for another event), the event, and the signed checkpoint { origin, size, root }. It throws a ProofError if the proof does
 * not hold.
 */
export async function checkProof(bytes, keys) {
  const known = await Promise.all(keys.trim().split(/\s+/).map(parseKey));
  const proof = parseProof(bytes);
  const { event } = proof;
  const checkpoint = await openCheckpoint(proof.checkpoint, known);
  if (proof.index !== event.position - 1) throw wrong("The index is not that of the position.");
  if (proof.index < 0 || proof.index >= checkpoint.size) throw wrong("The checkpoint does not cover the position.");
  const leaf = await sha256(Uint8Array.of(0), entry(event));
  const root = await rootOf(proof.inclusion_proof ?? [], 0, checkpoint.size, proof.index, leaf);
  if (toBase64(root) !== checkpoint.root) throw wrong("The tree does not contain the event.");
  const receipt = receiptOf(event);
  if (JSON.stringify(receipt) !== JSON.stringify(proof.gift ?? null)) throw wrong("The receipt does not say what the event says.");
  return { receipt, event, checkpoint };
}

// The members of a proof in their order, with functions that check their values. A member that ends with ? may be absent.
const integer = (v) => Number.isSafeInteger(v);
const text = (v) => typeof v === "string" && !/\p{Surrogate}/u.test(v);
const receiptMembers = { sender: integer, streamer: integer, live: integer, gift: integer, name: text, price: integer, num: integer, coins: integer, balance_after: integer };
const eventMembers = {
  position: integer, stream: text, version: integer, event_id: (v) => typeof v === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(v),
  type: text, payload: text, metadata: text, "live_id?": integer, recorded_at: (v) => micros(v) !== null,
};
const proofMembers = {
  format: (v) => v === "roomlog proof 1", "gift?": (v) => ordered(v, receiptMembers), event: (v) => ordered(v, eventMembers), index: integer,
  inclusion_proof: (v) => v === null || Array.isArray(v) && v.every((h) => fromBase64(h)?.length === 32), checkpoint: text,
};

// ordered returns the members of an object in their order, or undefined if there are others or a value is not permitted.
function ordered(object, members) {
  if (typeof object !== "object" || object === null || Array.isArray(object)) return undefined;
  const result = {};
  for (const [member, permitted] of Object.entries(members)) {
    const name = member.replace("?", "");
    if (!Object.hasOwn(object, name)) {
      if (name === member) return undefined;
      continue;
    }
    const ok = permitted(object[name]);
    if (!ok) return undefined;
    result[name] = typeof ok === "object" ? ok : object[name];
  }
  return Object.keys(object).every((name) => Object.hasOwn(result, name)) ? result : undefined;
}

// parseProof accepts only the bytes that roomlog writes, so that every reader understands the file in the same way.
function parseProof(bytes) {
  let file, parsed;
  try {
    file = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    parsed = JSON.parse(file);
  } catch {
    throw wrong("The file is not a proof.");
  }
  const proof = ordered(parsed, proofMembers);
  if (!proof) throw wrong("The file is not a proof that this program can check.");
  const again = JSON.stringify(proof, null, 2).replace(/[\u2028\u2029]/g, (c) => "\\u" + c.charCodeAt(0).toString(16)) + "\n";
  if (file.replaceAll("\r\n", "\n") !== again) throw wrong("The file is not written as roomlog writes it.");
  return proof;
}

// micros returns a time as a BigInt of microseconds since 1970, or null if it is not written as roomlog writes it.
function micros(at) {
  const m = typeof at === "string" && /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{0,5}[1-9]))?Z$/.exec(at);
  const ms = m ? Date.parse(m[1] + "Z") : NaN;
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 19) !== m[1]) return null;
  return BigInt(ms) * 1000n + BigInt((m[2] ?? "").padEnd(6, "0"));
}

// entry returns the bytes of the leaf: ten fields, each after its length.
function entry(event) {
  const number = (n) => {
    const b = new DataView(new ArrayBuffer(8));
    b.setBigInt64(0, BigInt(n));
    return new Uint8Array(b.buffer);
  };
  const id = Uint8Array.from(event.event_id.replaceAll("-", "").match(/../g), (hex) => parseInt(hex, 16));
  const fields = [
    utf8.encode("roomlog event 1"), number(event.position), utf8.encode(event.stream), number(event.version), id, utf8.encode(event.type),
    utf8.encode(event.payload), utf8.encode(event.metadata), event.live_id === undefined ? new Uint8Array() : number(event.live_id), number(micros(event.recorded_at)),
  ];
  return concat(...fields.flatMap((field) => {
    const length = new DataView(new ArrayBuffer(4));
    length.setUint32(0, field.length);
    return [new Uint8Array(length.buffer), field];
  }));
}

// rootOf returns the root of the part of a tree from leaf lo to leaf hi that the hashes lead to from leaf n (RFC 6962).
async function rootOf(hashes, lo, hi, n, leaf) {
  if (lo + 1 === hi) {
    if (hashes.length > 0) throw wrong("The proof has too many hashes.");
    return leaf;
  }
  if (hashes.length === 0) throw wrong("The proof has too few hashes.");
  let half = 1;
  while (half * 2 < hi - lo) half *= 2;
  const rest = hashes.slice(0, -1);
  const other = fromBase64(hashes.at(-1));
  if (n < lo + half) return sha256(Uint8Array.of(1), await rootOf(rest, lo, lo + half, n, leaf), other);
  return sha256(Uint8Array.of(1), other, await rootOf(rest, lo + half, hi, n, leaf));
}

// receiptOf returns what the payload of a gift says, or null for another event.
function receiptOf(event) {
  if (event.type !== "gift.sent.v1" && event.type !== "gift.sent.v2") return null;
  try {
    const payload = JSON.parse(event.payload);
    return Object.fromEntries(Object.keys(receiptMembers).map((name) => [name, payload[name] ?? (name === "name" ? "" : 0)]));
  } catch {
    throw wrong("The payload of the gift cannot be read.");
  }
}

// parseKey reads a public key like origin+1c2d3e4f+BASE64 (C2SP signed-note).
async function parseKey(key) {
  const [name, id, ...rest] = key.split("+");
  const bytes = fromBase64(rest.join("+"));
  if (!name || !/^[0-9a-f]{8}$/.test(id ?? "") || bytes?.length !== 33 || bytes[0] !== 1 || toHex(await keyHash(name, bytes)) !== id) {
    throw new ProofError("key", "This is no public key of a transparency log.");
  }
  try {
    return { name, id, key: await crypto.subtle.importKey("raw", bytes.slice(1), { name: "Ed25519" }, false, ["verify"]) };
  } catch {
    throw new ProofError("unsupported", "This program cannot check Ed25519 signatures.");
  }
}

async function keyHash(name, key) { return (await sha256(utf8.encode(name + "\n"), key)).slice(0, 4); }

// openCheckpoint checks the signatures of a signed checkpoint. A known key with the name of the tree must have signed it.
async function openCheckpoint(note, known) {
  const refused = (message) => new ProofError("signature", message);
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || /[\u0000-\u0009\u000b-\u001f]/.test(note) || !note.endsWith("\n") || note.length === split + 2) throw refused("The checkpoint is malformed.");
  const signedText = note.slice(0, split + 1);
  const lines = note.slice(split + 2, -1).split("\n");
  const [origin, size, root, end] = signedText.split("\n");
  if (signedText !== [origin, size, root, ""].join("\n") || end !== "" || !origin || !/^(0|[1-9]\d*)$/.test(size) || !integer(Number(size)) || fromBase64(root)?.length !== 32) {
    throw refused("The checkpoint is malformed.");
  }
  if (lines.length > 100) throw refused("The checkpoint has too many signatures.");
  let signed = false;
  const seen = new Set();
  for (const line of lines) {
    const [, name, base64] = /^\u2014 ([^\s+]+) (\S+)$/u.exec(line) ?? [];
    const bytes = base64 && decode(base64);
    if (!bytes || bytes.length < 5) throw refused("A signature is malformed.");
    const key = known.find((k) => k.name === name && k.id === toHex(bytes.slice(0, 4)));
    if (!key || seen.has(key)) continue; // the signature of somebody else, like a witness
    seen.add(key);
    if (toBase64(bytes) !== base64 || !await crypto.subtle.verify({ name: "Ed25519" }, key.key, bytes.slice(4), utf8.encode(signedText))) throw refused("A signature is wrong.");
    signed ||= name === origin;
  }
  if (!signed) throw refused("The key has not signed the checkpoint.");
  return { origin, size: Number(size), root };
}

async function sha256(...parts) { return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts))); }

function concat(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function toHex(bytes) { return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(""); }
function toBase64(bytes) { return btoa(String.fromCharCode(...bytes)); }

// decode returns the bytes of a base64 text, or undefined if it is none.
function decode(base64) {
  if (typeof base64 !== "string" || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

// fromBase64 is decode for texts in their canonical form.
function fromBase64(base64) {
  const bytes = decode(base64);
  return bytes && toBase64(bytes) === base64 ? bytes : undefined;
}
