// The page: header, views by address, and notices.
import { html, render, useEffect, useState } from "./vendor/ui.js";
import { account, applyLanguage, applyScheme, asking, balance, client, connection, ended, go, joinedLives, language, notices, options, parts, regained, restore, roles, say, plain, scheme, setLanguage, setScheme, signOut, t, toppingUp, warning } from "./state.js";
import { Avatar, BackHome, Dialog, Empty, Icon, Lazy } from "./parts.js";
import { OnAir, Past } from "./lives.js";

// Views that not every visitor needs are loaded when they are opened.
const views = {
  watch: () => import("./watch.js"), me: () => import("./account.js"), studio: () => import("./streamer.js"), desk: () => import("./operator.js"), replay: () => import("./replay.js"),
};

const loadAccount = views.me;

function Menu() {
  const [first] = parts.value;
  const items = [["/", "lives", !first || first === "watch"], ["/past", "past", first === "past" || first === "replay"], ["/studio", "studio", first === "studio"]];
  if (roles.value.some((role) => ["operator", "auditor"].includes(role))) items.push(["/desk", "desk", first === "desk"]);
  return html`<nav class="menu" aria-label=${t("menu")}>${items.map(([to, name, now]) => html`<a key=${to} href=${to} aria-current=${now ? "page" : null}>${t(name)}</a>`)}</nav>`;
}

function Switches() {
  const dark = scheme.value ? scheme.value === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  return html`<button type="button" class="round" aria-label=${t(dark ? "scheme.light" : "scheme.dark")} onClick=${() => setScheme(dark ? "light" : "dark")}><${Icon} name=${dark ? "sun" : "moon"} /></button>
    <button type="button" class="language" lang=${language.value === "zh" ? "en" : "zh"} aria-label=${t("language.label")} onClick=${() => setLanguage(language.value === "zh" ? "en" : "zh")}>${language.value === "zh" ? "EN" : "中"}</button>`;
}

function User() {
  const [open, setOpen] = useState(false);
  const user = account.value;
  useEffect(() => {
    if (!open) return;
    const close = (event) => (event.type === "keydown" ? event.key === "Escape" : !event.target.closest(".user-menu")) && setOpen(false);
    addEventListener("click", close);
    addEventListener("keydown", close);
    return () => {
      removeEventListener("click", close);
      removeEventListener("keydown", close);
    };
  }, [open]);
  if (!user) return html`<button type="button" class="button small" onClick=${() => (asking.value = "none")}>${t("signin")}</button>`;
  const leave = () => setOpen(false);
  return html`<button type="button" class="coins" onClick=${() => (toppingUp.value = true)} aria-label=${t("balance") + ": " + t("coins", { n: balance.value ?? 0 })}><${Icon} name="coin" /><span data-balance>${plain(balance.value)}</span></button>
    <div class="user-menu">
      <button type="button" class="plain" aria-expanded=${open} aria-label=${user.name} onClick=${() => setOpen(!open)}><${Avatar} user=${user} /></button>
      ${open && html`<div class="popover"><p class="popover-name">${user.name}</p>
        <a href="/me" onClick=${leave}>${t("me")}</a><a href="/studio" onClick=${leave}>${t("studio")}</a><a href="/docs" target="_blank" rel="noopener">${t("docs")}</a>
        <button type="button" onClick=${() => { leave(); signOut(); }}>${t("signout")}</button></div>`}
    </div>`;
}

function Header() {
  return html`<header class="top">
    <a class="skip" href="#content" onClick=${(e) => { e.preventDefault(); document.getElementById("content").focus(); }}>${t("skip")}</a>
    <a class="logo" href="/" aria-label="roomlog"><svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="9" /><path d="M9 9.500h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-6.500L12 25.500v-4H9a2 2 0 0 1-2-2v-8a2 2 0 0 1 2-2z" /></svg><span>roomlog</span></a>
    <${Menu} /><div class="top-end"><${Switches} /><${User} /></div>
  </header>`;
}

const regainedText = { "": "", resumed: "state.back", renewed: "state.renewed", refused: "state.online" };

// Connection shows that the connection is lost, and for a moment that it is back: after the live was joined again, if there is one.
function Connection() {
  const [shown, setShown] = useState("");
  const state = connection.value;
  useEffect(() => {
    if (state === "waiting") setShown("state.waiting");
    else if (state === "open" && shown === "state.waiting") setShown((joinedLives.value === 0 ? "state.online" : regainedText[regained.value]) || shown);
  }, [state, regained.value, joinedLives.value]);
  useEffect(() => {
    if (!shown || shown === "state.waiting") return;
    const timer = setTimeout(() => setShown(""), 4000);
    return () => clearTimeout(timer);
  }, [shown]);
  const failed = ended.value;
  if (failed?.code === "no_websocket" || (state === "waiting" && client.opened === 0 && client.failures > 3)) return html`<div class="banner" role="status">${t("error.no_websocket")}</div>`;
  if (failed) return html`<div class="banner bad" role="alert">${t("state.ended", { why: say(failed) })} <button type="button" class="link" onClick=${() => { ended.value = null; asking.value = "none"; }}>${t("signin")}</button></div>`;
  return html`<div class=${"banner " + (shown && shown !== "state.waiting" ? "good" : "")} role="status" hidden=${!shown}>${shown && t(shown)}</div>`;
}

function View() {
  const [first, second] = parts.value;
  switch (first) {
    case undefined: return html`<${OnAir} />`;
    case "past": return html`<${Past} />`;
    case "watch": return html`<${Lazy} key=${second} load=${views.watch} id=${Number(second)} />`;
    case "replay": return html`<${Lazy} key=${second} load=${views.replay} id=${Number(second)} />`;
    case "studio": return html`<${Lazy} key=${second} load=${views.studio} id=${Number(second) || 0} />`;
    case "desk": return html`<${Lazy} load=${views.desk} part=${second} />`;
    case "me": return html`<${Lazy} load=${views.me} name="Me" />`;
  }
  return html`<${Empty} title=${t("notfound")}><${BackHome} text=${t("home")} /><//>`;
}

function App() {
  return html`<${Header} /><${Connection} />
    <main id="content" tabindex="-1"><${View} /></main>
    ${asking.value && html`<${Lazy} load=${loadAccount} name="SignIn" why=${asking.value} />`}
    ${toppingUp.value && html`<${Lazy} load=${loadAccount} name="TopUp" test=${options.test_payments} />`}
    ${warning.value && html`<${Dialog} title=${t("warned")} close=${() => (warning.value = null)} class="narrow"><p class="sentence bad" dir="auto">${warning.value.reason}</p><p class="soft">${t("warned.text")}</p><button type="button" class="button wide" autofocus onClick=${() => (warning.value = null)}>${t("warned.close")}</button><//>`}
    <div class="notices" role="status">${notices.value.map((n) => html`<p key=${n.id} class=${"notice " + n.kind}>${n.to ? html`<a href=${n.to}>${n.text}</a>` : n.text}</p>`)}</div>`;
}

applyLanguage();
applyScheme();
restore().finally(() => {});
render(html`<${App} />`, document.getElementById("app"));
