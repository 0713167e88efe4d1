// Small parts of all views.
import { html, useEffect, useRef, useState } from "./vendor/ui.js";
import { picture, t, say, go, time } from "./state.js";

const icons = {
  heart: "M12 20s-7.5-4.600-7.5-10A4.2 4.2 0 0 1 12 7.400 4.2 4.2 0 0 1 19.5 10c0 5.400-7.5 10-7.5 10z", check: "M5 12.500l4.5 4.5L19 7.500", lock: "M6 10.500h12v9H6zM8.5 10.500V8a3.5 3.500 0 0 1 7 0v2.500",
  play: "M8 5.5v13l11-6.5z", pause: "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z",
  sound: "M4 9.5v5h3.5L12 19V5L7.5 9.5zM15 8.8a4.5 4.5 0 0 1 0 6.4M17.3 6.5a7.8 7.8 0 0 1 0 11", mute: "M4 9.5v5h3.5L12 19V5L7.5 9.5zM15.5 9.5l5 5M20.5 9.5l-5 5",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5", pip: "M3.5 5.5h17v13h-17zM12 12h6v4.5h-6z",
  gift: "M4 11h16v9H4zM3 7.5h18V11H3zM12 7.5V20M12 7.5C9 7.5 7 6.3 7.3 4.8 7.7 3 11 3.3 12 7.5zM12 7.5c3 0 5-1.2 4.7-2.7C16.3 3 13 3.3 12 7.5z",
  send: "M4 12l16-7.5-5 15.5-3.5-6.2z", eye: "M2.5 12S6 5.8 12 5.8 21.5 12 21.5 12 18 18.2 12 18.2 2.5 12 2.5 12zM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z",
  coin: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5l1.4 3 3.1.4-2.3 2.2.6 3.2-2.8-1.6-2.8 1.6.6-3.2-2.3-2.2 3.1-.4z",
  share: "M12 15V4M8 7.5L12 3.5l4 4M5 12v8h14v-8", search: "M10.5 4.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l5 5",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4", moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  user: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5", close: "M6 6l12 12M18 6L6 18", copy: "M8.5 8.500h11v11h-11zM5 15.500v-11h11",
  danmaku: "M4 6h11M7 11h13M4 16h8M15 16h5", settings: "M4 8h7.500M16.500 8H20M4 16h3M12 16h8M14 5.500a2.5 2.500 0 1 0 0 5 2.5 2.500 0 0 0 0-5zM9.500 13.500a2.5 2.500 0 1 0 0 5 2.5 2.500 0 0 0 0-5z", live: "M12 9.500a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM7 7a7 7 0 0 0 0 10M17 7a7 7 0 0 1 0 10", stop: "M6.5 6.500h11v11h-11z",
  back: "M14.5 5.500L8 12l6.5 6.5", people: "M9 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM3 19c.5-3 2.9-4.5 6-4.500s5.5 1.5 6 4.500M16 5.500a3.2 3.2 0 0 1 0 6M17 14.700c2.2.4 3.6 1.8 4 4.3", chat: "M4 5.500h16v11h-9L7 20v-3.500H4z",
};

/** Icon shows a symbol. It is decoration: the control has a label of its own. */
export function Icon({ name, solid }) {
  return html`<svg class=${"icon" + (solid ? " solid" : "")} viewBox="0 0 24 24" aria-hidden="true"><path d=${icons[name]} /></svg>`;
}

/** hue returns a colour for a text, always the same. */
export const hue = (text) => [...String(text)].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 360, 7);

export function Avatar(/** @type {Api.Props<{ user: import("./client.js").User }>} */ { user, size = "" }) {
  const [broken, setBroken] = useState(false);
  const address = picture(user.avatar);
  const initial = [...(user.name || "?")][0]?.toUpperCase();
  return html`<span class=${"avatar " + size} style=${{ "--hue": hue(user.id + ":") }} aria-hidden="true">
    ${address && !broken ? html`<img src=${address} alt="" loading="lazy" onError=${() => setBroken(true)} />` : initial}
  </span>`;
}

/** Cover shows the newest picture of a live, else its cover, else its title on a colour. */
export function Cover(/** @type {Api.Props<{ live: Pick<Api.FoundLive, "title" | "cover"> & { snapshot?: string } }>} */ { live, fresh }) {
  const [broken, setBroken] = useState(0);
  const sources = [fresh && live.snapshot, picture(live.cover)].filter(Boolean);
  const source = sources[broken];
  return html`<span class="cover" style=${{ "--hue": hue(live.title) }}>
    ${source ? html`<img key=${source} src=${source} alt="" loading="lazy" decoding="async" onError=${() => setBroken(broken + 1)} />`
      : html`<span class="cover-title" aria-hidden="true">${live.title}</span>`}
  </span>`;
}

/** Busy is a button that runs an action and cannot be pressed again meanwhile. */
export function Action({ run, children, class: kind = "", disabled, ...rest }) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    try {
      await run();
    } finally {
      setBusy(false);
    }
  };
  return html`<button type="button" class=${"button " + kind} disabled=${disabled || busy} aria-busy=${busy} onClick=${press} ...${rest}>${children}</button>`;
}

/** Dialog is a modal window. It closes with Escape, with its button, and by a press beside it. */
export function Dialog({ title, close, children, class: kind = "" }) {
  const element = useRef(null);
  useEffect(() => {
    const dialog = element.current;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  useEffect(() => { // also when other content replaces the content; a browser would choose the button that closes
    const fields = [...element.current.querySelectorAll("input, select, textarea, button")].filter((e) => !e.disabled && !e.closest(".dialog-head") && (e.type !== "radio" || e.checked));
    (element.current.querySelector("[autofocus]") ?? fields[0])?.focus();
  }, [title]);
  const beside = (event) => event.target === element.current && close();
  return html`<dialog ref=${element} class=${kind} aria-labelledby="dialog-title" onCancel=${(e) => { e.preventDefault(); close(); }} onClick=${beside}>
    <div class="dialog-body">
      <header class="dialog-head"><h2 id="dialog-title">${title}</h2>
        <button type="button" class="round" aria-label=${t("close")} onClick=${close}><${Icon} name="close" /></button></header>
      ${children}
    </div>
  </dialog>`;
}

/** Sentence shows an error, or nothing. */
export function Sentence({ error }) {
  return error ? html`<p class="sentence bad" role="alert">${typeof error === "string" ? error : say(error)}</p>` : null;
}

/** When shows a time on one line. */
export const When = ({ at }) => html`<time class="when" datetime=${at}>${time(at)}</time>`;

export function Empty({ icon = "live", title, children }) {
  return html`<div class="empty"><span class="empty-icon"><${Icon} name=${icon} /></span><h2>${title}</h2>${children}</div>`;
}

export function Tabs({ tabs, now, choose, label }) {
  const list = useRef(null);
  useEffect(() => { // on a phone, the list is wider than the screen
    const chosen = list.current.querySelector('[aria-selected="true"]');
    if (chosen) list.current.scrollLeft += chosen.getBoundingClientRect().left - list.current.getBoundingClientRect().left - (list.current.clientWidth - chosen.clientWidth) / 2;
  }, [now]);
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = tabs.findIndex((tab) => tab.id === now);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    choose(next.id);
    event.currentTarget.querySelector(`[data-tab="${next.id}"]`)?.focus();
  };
  return html`<div ref=${list} class="tabs" role="tablist" aria-label=${label} onKeyDown=${move}>
    ${tabs.map((tab) => html`<button type="button" key=${tab.id} data-tab=${tab.id} role="tab" aria-selected=${tab.id === now} tabindex=${tab.id === now ? 0 : -1}
      onClick=${() => choose(tab.id)}>${tab.text}</button>`)}
  </div>`;
}

/** copyText copies a text and returns whether that has succeeded. Pages on plain HTTP have no navigator.clipboard. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true, className: "visually-hidden" });
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    (document.querySelector("dialog[open]") ?? document.body).append(field); // what is outside of an open dialog cannot be selected
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    focused?.focus();
    return copied;
  }
}

/** Copy shows a text with a button that copies it. If the browser cannot copy it, the text is selected. */
export function Copy({ label, name = label, value, secret }) {
  const [copied, setCopied] = useState(false);
  const [shown, setShown] = useState(!secret);
  const field = useRef(/** @type {HTMLInputElement} */ (null));
  const id = "copy-" + name.replace(/[^\w\u4e00-\u9fff]+/g, "-");
  const copy = async () => {
    if (!(await copyText(value))) {
      setShown(true);
      field.current.focus();
      field.current.select();
      return;
    }
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return html`<div class="field"><label for=${id}>${label}</label><div class="joined">
    <input id=${id} ref=${field} readonly type=${shown ? "text" : "password"} autocomplete="off" value=${value} onFocus=${(e) => e.target.select()} />
    ${secret && html`<button type="button" class="button quiet" aria-pressed=${shown} onClick=${() => setShown(!shown)}>${t(shown ? "hide" : "show")}</button>`}
    <button type="button" class="button quiet" onClick=${copy}><${Icon} name="copy" />${t(copied ? "copied" : "copy")}</button></div></div>`;
}

/** useTimer calls tick every ms milliseconds while the page is visible. */
export function useTimer(tick, ms, inputs = []) {
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState !== "hidden" && tick(), ms);
    return () => clearInterval(timer);
  }, inputs);
}

/** useTitle sets the title of the window. */
export function useTitle(title) {
  useEffect(() => {
    document.title = title ? title + " · roomlog" : "roomlog";
  }, [title]);
}

export function BackHome({ text }) {
  return html`<button type="button" class="button" onClick=${() => go("/")}>${text}</button>`;
}

/** Lazy shows the component Name of a module when the module is loaded. */
export function Lazy({ load, name = "default", fallback = null, ...props }) {
  const [loaded, setLoaded] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    let wanted = true;
    setError(null);
    load().then((module) => wanted && setLoaded({ load, module }), (e) => wanted && setError(e));
    return () => (wanted = false);
  }, [load]);
  if (error) return html`<${Empty} icon="close" title=${t("error.network")}><button type="button" class="button" onClick=${() => location.reload()}>${t("retry")}</button><//>`;
  return loaded?.load === load ? html`<${loaded.module[name]} ...${props} />` : fallback; // another module is loaded before it is shown
}
