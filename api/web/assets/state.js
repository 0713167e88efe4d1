// State that all views share: the client, the signed-in user, language, colour scheme, address and notices.
import { Client } from "./client.js";
import { signal, computed } from "./vendor/ui.js";
import { texts } from "./text.js";

/** The settings of the server for the page, as package web writes them. */
export const options = /** @type {{ test_payments?: boolean, media_url?: string, rtmp_port?: string }} */ (JSON.parse(document.documentElement.dataset.options || "{}"));

const stored = (name) => {
  try {
    return localStorage.getItem("roomlog." + name) ?? "";
  } catch {
    return ""; // storage is switched off
  }
};

/** remember stores a choice of the user in this browser. */
export function remember(name, value) {
  try {
    if (value) localStorage.setItem("roomlog." + name, value);
    else localStorage.removeItem("roomlog." + name);
  } catch {
    // storage is switched off: the choice lasts as long as the page
  }
}

export const recall = stored;

// Language

export const language = signal(stored("language") || (/^zh/i.test(navigator.language) ? "zh" : "en"));

export function setLanguage(code) {
  language.value = code;
  remember("language", code);
  applyLanguage();
}

export function applyLanguage() {
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
}

/** t returns a text in the language of the page, with its {names} filled in. */
export function t(name, values = {}) {
  const text = texts[name]?.[language.value === "zh" ? 1 : 0] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

/** accessName returns the name of an access, also of one that the page does not know. */
export const accessName = (access) => t(texts["access." + access] ? "access." + access : "access.other");

/** say returns an error as a sentence for people. */
export function say(/** @type {Partial<import("./client.js").RoomlogError>} */ error) {
  const wait = error.until ? new Date(error.until).getTime() - Date.now() : error.retryAfter || 1000;
  const timed = error.until && texts["error." + error.code + ".until"] ? ".until" : "";
  if (texts["error." + error.code]) return t("error." + error.code + timed, { seconds: number(Math.max(1, Math.ceil(wait / 1000))), time: error.until && time(error.until) });
  return (language.value === "zh" && error.textZH) || error.message || t("error.unknown");
}

export const number = (n) => new Intl.NumberFormat(language.value === "zh" ? "zh-CN" : "en").format(n ?? 0);

/** short returns a number of viewers or coins in few characters: 1.2K, 1.2万. */
export const short = (n) => new Intl.NumberFormat(language.value === "zh" ? "zh-CN" : "en", { notation: "compact", maximumFractionDigits: 1 }).format(n ?? 0);

/** plain returns a number that is exact as long as it is short. */
export const plain = (n) => ((n ?? 0) < 1e6 ? number(n) : short(n));

export const time = (at) => new Intl.DateTimeFormat(language.value === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));

export const clock = (seconds) => {
  const s = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(s / 60) % 60, s % 60].map((n) => String(n).padStart(2, "0"));
  return s >= 3600 ? Math.floor(s / 3600) + ":" + parts.join(":") : parts.join(":");
};

// Colour scheme: "", light or dark. "" follows the system.

export const scheme = signal(stored("scheme"));

export function setScheme(name) {
  scheme.value = name;
  remember("scheme", name);
  applyScheme();
}

export function applyScheme() {
  if (scheme.value) document.documentElement.dataset.scheme = scheme.value;
  else delete document.documentElement.dataset.scheme;
}

// The user

export const client = /** @type {Api.Client} */ (new Client({ url: location.origin, token: stored("token") }));
export const account = signal(/** @type {(Api.User & { name: string }) | null} */ (null)); // null: not signed in, or not known yet
export const roles = signal(/** @type {Api.UserRoles["roles"]} */ ([]));
export const balance = signal(null);
export const connection = signal(client.state);
export const joinedLives = signal(0); // lives that the page has joined, or joins again
export const regained = signal(/** @type {"" | "resumed" | "renewed" | "refused"} */ ("")); // how the newest live was joined again after a lost connection; renewed: from a snapshot, without what was missed
export const asking = signal(""); // why the sign-in dialog is open; "": it is closed
export const toppingUp = signal(false);

client.on("state", (state) => {
  connection.value = state;
  if (state === "waiting") regained.value = "";
});
client.on("balance", (coins) => (balance.value = coins));
client.on("profile", (profile) => {
  if (account.value) account.value = { ...account.value, name: profile.name, avatar: profile.avatar };
});
client.on("error", (error) => notify(say(error), "bad"));
client.on("end", (error) => {
  if (error.code === "client_closed") return;
  if (["session_ended", "token_invalid", "token_expired", "user_unavailable", "banned", "kicked"].includes(error.code)) {
    forgetAccount();
    if (asking.value === "" && error.code.startsWith("token_")) asking.value = "expired";
  }
  ended.value = error;
});
client.on("warned", ({ reason }) => (warning.value = { reason }));
client.on("decision", ({ notice, decision, reason }) => {
  const text = notice === "report_decided" ? t("decision." + decision) : t("decision.dropped");
  notify(reason ? text + " " + t("reason.is", { reason }) : text);
});
client.on("live.started", ({ title, owner }, { live }) => notify(t("follow.started", { name: owner.name, title }), "", "/watch/" + live));
client.on("follow", ({ streamer, following }) => (followed.value = { ...followed.value, [streamer]: following }));

/** ended is the error with which the connection ended for good, or null. */
export const ended = signal(/** @type {import("./client.js").RoomlogError | null} */ (null));

/** warning is the newest warning of a moderator that the user has not closed, or null. */
export const warning = signal(/** @type {{ reason: string } | null} */ (null));

/** followed says of streamers, by id, whether the user follows them: what was learned since the sign-in. */
export const followed = signal({});

function forgetAccount() {
  remember("token", "");
  client.token = "";
  account.value = null;
  roles.value = [];
  balance.value = null;
  followed.value = {};
}

const named = (/** @type {Api.User} */ user) => ({ ...user, name: user.nickname || user.username });

async function entered(/** @type {Api.User} */ user) {
  account.value = named(user);
  balance.value = user.coin;
  ended.value = null;
  roles.value = await client.get("/api/user/roles").then((found) => found.roles, () => []);
  client.connect();
}

/** restore continues the session of an earlier visit. */
export async function restore() {
  if (!client.token) return;
  try {
    await entered(await client.get("/api/user/info"));
  } catch (error) {
    if (error.code === "network" || error.status >= 500) client.connect();
    else if (account.value === null && client.token) {
      forgetAccount();
      ended.value = error;
    }
  }
}

export async function signIn(username, password) {
  const user = await client.signIn(username, password);
  remember("token", user.token);
  await entered(user);
}

export async function signUp(username, password) {
  await client.register(username, password);
  await signIn(username, password);
}

export async function signOut() {
  const leaving = client.signOut();
  forgetAccount();
  await leaving.catch(() => {});
  go("/");
}

// Notices at the edge of the page

export const notices = signal(/** @type {{ id: number, text: string, kind: string, to: string }[]} */ ([]));
let noticed = 0;

/** notify shows a sentence for some seconds. kind: "", good or bad. to is the address to which it links, or "". */
export function notify(text, kind = "", to = "") {
  const id = ++noticed;
  notices.value = [...notices.value.filter((n) => n.text !== text).slice(-2), { id, text, kind, to }];
  setTimeout(() => (notices.value = notices.value.filter((n) => n.id !== id)), 6000);
}

// Addresses

const here = () => location.pathname;
export const path = signal(here());
export const parts = computed(() => path.value.split("/").filter(Boolean));

export function go(to) {
  if (to !== here()) history.pushState(null, "", to);
  path.value = to.replace(/[?#].*/, "");
  scrollTo(0, 0);
}

addEventListener("popstate", () => (path.value = here()));

// Links of the page change the view without loading the page again.
addEventListener("click", (event) => {
  const link = /** @type {any} */ (event.target).closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || link.target || link.hasAttribute("download")) return;
  const to = new URL(link.href);
  if (to.origin !== location.origin || /^\/(docs|openapi|asyncapi|uploads|recordings)/.test(to.pathname)) return;
  event.preventDefault();
  go(to.pathname);
});

/** picture returns the address of a cover or avatar. Uploads are loaded from the server of the page. */
export function picture(address) {
  const upload = /^(?:https?:\/\/[^/]+)?(\/uploads\/[\w.-]+)$/.exec(address ?? "");
  if (upload) return upload[1];
  return /^https:\/\//.test(address ?? "") ? address : "";
}

export const mediaURL = (options.media_url || location.origin).replace(/\/$/, "");
