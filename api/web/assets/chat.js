// The chat of a live: its lines, who is here, and the field for comments.
import { html, useEffect, useRef, useState } from "./vendor/ui.js";
import { account, asking, client, connection, ended, notify, number, roles, say, t } from "./state.js";
import { newKey } from "./client.js";
import { Avatar, Dialog, Icon, Lazy, Sentence, Tabs } from "./parts.js";

const causes = ["spam", "insult", "hate", "sexual", "privacy", "fraud", "other"]; // of a report
const loadOrder = () => import("./order.js");

function Line(/** @type {Api.Props<{ line: import("./room.js").Line, owner: import("./client.js").User }>} */ { line, owner, choose }) {
  if (line.kind === "joins") return html`<li class="line quiet">${t("joined.many", { n: number(line.n) })}</li>`;
  if (line.kind === "note") return html`<li class="line quiet"><bdi>${t(line.text, line.values)}</bdi></li>`;
  const name = html`<button type="button" class=${"name" + (line.user.id === owner?.id ? " is-owner" : "")} dir="auto" onClick=${() => choose({ user: line.user, line })}>${line.user.name}</button>`;
  if (line.kind === "join") return html`<li class="line quiet"><bdi>${t("joined", { name: line.user.name })}</bdi></li>`;
  if (line.kind === "gift") return html`<li class="line gift-line"><${Icon} name="gift" /><span class="line-text">${name} ${t("gave", { gift: line.gift.name, n: number(line.num) })}</span></li>`;
  return html`<li class="line"><${Avatar} user=${line.user} size="small" /><span class="line-text">${name}${line.user.id === owner?.id && html` <span class="tag">${t("streamer")}</span>`} <span class="said" dir="auto">${line.text}</span></span></li>`;
}

const scrollKeys = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", " "]);

/** Lines shows the newest lines, and stays at the end unless the reader has scrolled up. Without lines it shows the sentence empty. */
export function Lines(/** @type {Api.Props<{ lines: import("./room.js").Line[], empty?: string }>} */ { lines, owner, choose = () => {}, empty = t("chat.empty") }) {
  const list = useRef(null);
  const [behind, setBehind] = useState(false);
  const follow = useRef(true);
  const byReader = useRef(false); // whether the reader has scrolled, and not a line that grew or was left out
  const down = () => {
    if (!list.current) return;
    list.current.scrollTop = list.current.scrollHeight;
    follow.current = true;
    setBehind(false);
  };
  useEffect(() => {
    if (follow.current) down();
    else setBehind(true);
  }, [lines]);
  const scrolled = () => {
    if (!list.current) return; // a scroll may be reported after the list has gone
    const { scrollTop, scrollHeight, clientHeight } = list.current;
    if (scrollHeight - scrollTop - clientHeight < 60) {
      byReader.current = false;
      follow.current = true;
      setBehind(false);
    } else if (byReader.current) follow.current = false;
    else if (follow.current) list.current.scrollTop = scrollHeight;
  };
  const reads = (event) => {
    if (event.type === "keydown" ? scrollKeys.has(event.key) : event.type !== "pointerdown" || event.target === list.current) byReader.current = true;
  };
  return html`<div class="lines-box"><div class="lines" ref=${list} onScroll=${scrolled} onWheel=${reads} onTouchMove=${reads} onPointerDown=${reads} onKeyDown=${reads} tabindex="0" role="log" aria-label=${t("chat")}><ol>
    ${lines.map((line) => html`<${Line} key=${line.id} line=${line} owner=${owner} choose=${choose} />`)}
    ${lines.length === 0 && html`<li class="line quiet">${empty}</li>`}
  </ol></div>${behind && html`<button type="button" class="button small new-lines" onClick=${down}>${t("new.comments")}</button>`}</div>`;
}

// Report sends a report of a comment, or of a user if there is no comment.
function Report(/** @type {Api.Props<{ room: import("./room.js").Room, user: import("./client.js").User, line: import("./client.js").Comment }>} */ { user, line, room, close }) {
  const [error, setError] = useState(null);
  const send = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const text = form.get("text").trim();
    try {
      await client.post("/api/live/report", { id: room.live.value.id, ...(line ? { comment: line.pos } : { user: user.id }), cause: /** @type {Api.ReportEntry["cause"]} */ (form.get("cause")), ...(text && { text }) }, { key: newKey() });
      notify(t("report.sent"), "good");
      close();
    } catch (e) {
      setError(e);
    }
  };
  return html`<form onSubmit=${send}><p class="soft">${t("report.text")}</p>
    <div class="field"><label for="report-cause">${t("report.cause")}</label><select id="report-cause" name="cause" autofocus>${causes.map((cause) => html`<option key=${cause} value=${cause}>${t("cause." + cause)}</option>`)}</select></div>
    <div class="field"><label for="report-text">${t("report.more")}</label><input id="report-text" name="text" maxlength="200" dir="auto" autocomplete="off" /></div>
    <${Sentence} error=${error} /><button class="button wide">${t("report.send")}</button></form>`;
}

// Measures are what the owner, moderators and operators can do about a viewer.
function Measures(/** @type {Api.Props<{ room: import("./room.js").Room, user: import("./client.js").User }>} */ { user, room, act, owns }) {
  const [reason, setReason] = useState("");
  const moderates = room.moderators.value.includes(user.id);
  const why = reason.trim() ? { reason: reason.trim() } : {};
  const mute = (seconds) => act("mute", { user: user.id, ...why, ...(seconds && { seconds }) }, t("note.muted", { name: user.name }));
  const ban = (seconds) => act("ban", { user: user.id, ...why, ...(seconds && { seconds }) }, t("ban.done", { name: user.name }));
  const other = (path, done) => act(path, { user: user.id, ...why }, t(done, { name: user.name }));
  const group = (name, children) => html`<div class="measure" role="group" aria-label=${t(name)}><h3>${t(name)}</h3><div class="row start">${children}</div></div>`;
  const button = (text, run, kind = "danger") => html`<button type="button" class=${"button small " + kind} onClick=${run}>${t(text)}</button>`;
  return html`<div class="field"><label for="reason">${t("reason")}</label><input id="reason" maxlength="100" dir="auto" autocomplete="off" value=${reason} onInput=${(e) => setReason(e.target.value)} /></div>
    ${group("warn", html`<button type="button" class="button small danger" disabled=${!reason.trim()} onClick=${() => other("warn", "warn.done")}>${t("warn.send")}</button>`)}
    ${group("mute.user", html`${button("mute.short", () => mute(600))}${button("mute.good", () => mute(0))}${button("lift.viewer.muted", () => other("unmute", "note.unmuted"), "quiet")}`)}
    ${group("ban", html`${button("ban.hour", () => ban(3600))}${button("ban.good", () => ban(0))}${button("lift.viewer.banned", () => other("unban", "unban.done"), "quiet")}`)}
    ${group("comments.all", button("comments.clear", () => other("comment/clear", "comments.cleared")))}
    ${owns && group("moderation", moderates ? button("moderator.remove", () => other("moderator/remove", "saved"), "quiet") : button("moderator.appoint", () => other("moderator/appoint", "saved"), "quiet"))}`;
}

/** mayModerate reports whether the signed-in user may keep order in a live. */
export const mayModerate = (/** @type {import("./room.js").Room} */ room) => Boolean(account.value) && (account.value.id === room.owner.value?.id || room.moderators.value.includes(account.value.id) || roles.value.includes("operator"));

/** UserDialog shows a viewer, and perhaps a comment of the viewer, with what the signed-in user can do about them. */
function UserDialog(/** @type {Api.Props<{ room: import("./room.js").Room, user: import("./client.js").User, line: import("./room.js").Line }>} */ { user, line, room, close }) {
  const [error, setError] = useState(null);
  const [reporting, setReporting] = useState(false);
  const own = account.value?.id;
  const owns = own && (own === room.owner.value?.id || roles.value.includes("operator"));
  const moderates = mayModerate(room);
  const others = own && user.id !== own;
  const may = moderates && others && user.id !== room.owner.value?.id && (owns || !room.moderators.value.includes(user.id));
  const comment = line?.kind === "comment" ? line : null;
  const act = async (path, body, done) => {
    try {
      await client.post("/api/live/" + path, { id: room.live.value.id, ...body });
      notify(done, "good");
      close();
    } catch (e) {
      setError(e);
    }
  };
  const remove = () => act("comment/remove", { comment: comment.pos }, t("remove.done"));
  return html`<${Dialog} title=${reporting ? t(comment ? "report.comment" : "report.user") : user.name} close=${close} class="narrow">
    ${!reporting && html`<div class="who"><${Avatar} user=${user} size="large" /><p class="soft">ID ${user.id}${user.id === room.owner.value?.id ? " · " + t("streamer") : room.moderators.value.includes(user.id) ? " · " + t("moderator") : ""}</p></div>`}
    ${comment && html`<blockquote dir="auto">${comment.text}</blockquote>`}
    ${reporting ? html`<${Report} user=${user} line=${comment} room=${room} close=${close} />` : html`
      <div class="row start">${comment && (moderates || user.id === own) && html`<button type="button" class="button small danger" data-remove onClick=${remove}>${t("remove")}</button>`}
        ${others && html`<button type="button" class="button small quiet" data-report onClick=${() => setReporting(true)}>${t(comment ? "report.comment" : "report.user")}</button>`}</div>
      ${may && html`<${Measures} user=${user} room=${room} act=${act} owns=${owns} />`}
      <${Sentence} error=${error} />`}
  <//>`;
}

// Held shows the own comments that wait for a review.
function Held(/** @type {Api.Props<{ room: import("./room.js").Room }>} */ { room }) {
  const drop = async (held) => {
    await client.post("/api/live/comment/drop", { id: room.live.value.id, held }).catch((e) => notify(say(e), "bad"));
    await room.readHeld();
  };
  return html`<ul class="held-list" aria-label=${t("held")}>${room.held.value.slice(-3).map((item) => html`<li key=${item.held} class="held"><span><strong>${t("held")}</strong> <bdi>${item.text}</bdi></span><button type="button" class="link" onClick=${() => drop(item.held)}>${t("held.drop")}</button></li>`)}</ul>`;
}

function Viewers(/** @type {Api.Props<{ room: import("./room.js").Room }>} */ { room, choose }) {
  return html`<ul class="people">${room.viewers.value.map((user) => html`<li key=${user.id}><button type="button" onClick=${() => choose({ user })}><${Avatar} user=${user} /><span dir="auto">${user.name}</span>${user.id === room.owner.value?.id && html`<span class="tag">${t("streamer")}</span>`}</button></li>`)}</ul>`;
}

function Composer(/** @type {Api.Props<{ room: import("./room.js").Room }>} */ { room, shelf }) {
  const [text, setText] = useState("");
  const [error, setError] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    if (!account.value) {
      asking.value = "comment";
      return;
    }
    if (!text.trim()) return;
    setText("");
    setError(null);
    try {
      await room.comment(text);
    } catch (e) {
      setText((now) => now || text);
      setError(e);
    }
  };
  const off = account.value && room.status.value !== 1 && room.status.value !== 2;
  return html`<form class="composer" onSubmit=${submit}>
    <${Sentence} error=${error} />
    ${room.held.value.length > 0 && html`<${Held} room=${room} />`}
    <div class="composer-row">
      <label class="visually-hidden" for="comment">${t("comment.label")}</label>
      <input id="comment" dir="auto" maxlength="200" autocomplete="off" enterkeyhint="send" placeholder=${t("comment")} value=${text} disabled=${off} onInput=${(e) => setText(e.target.value)} onFocus=${() => !account.value && !client.token && (asking.value = "comment")} />
      <button class="round accent" aria-label=${t("send")} disabled=${off}><${Icon} name="send" /></button>
      ${shelf && html`<button type="button" class="round gift-button" aria-label=${t("gifts")} onClick=${shelf}><${Icon} name="gift" /></button>`}
    </div></form>`;
}

export function Chat(/** @type {Api.Props<{ room: import("./room.js").Room }>} */ { room, shelf, canWrite = true }) {
  const [tab, setTab] = useState("chat");
  const [chosen, setChosen] = useState(/** @type {{ user: import("./client.js").User, line?: import("./room.js").Line }} */ (null));
  const state = ended.value ? "" : account.value && connection.value !== "open" ? "state." + (connection.value === "connecting" ? "connecting" : "waiting") : room.state.value === "joining" ? "state.joining" : "";
  const online = room.gauges.value?.online; // known to signed-in viewers only
  const moderates = mayModerate(room);
  useEffect(() => {
    if (tab === "order" && !moderates) setTab("chat");
  }, [moderates]);
  return html`<aside class="chat">
    <${Tabs} label=${t("chat")} now=${tab} choose=${setTab} tabs=${[{ id: "chat", text: t("chat") }, { id: "viewers", text: t("viewers") + (online === undefined ? "" : " " + number(online)) }, ...(moderates ? [{ id: "order", text: t("order") + (room.waiting.value ? " " + number(room.waiting.value) : "") }] : [])]} />
    ${state && state !== "state.closed" && html`<p class="chat-state" role="status">${t(state)}</p>`}
    ${room.refused.value && html`<p class="sentence bad" role="alert">${t("left.because")}: ${say(room.refused.value)}</p>`}
    ${tab === "order" ? html`<${Lazy} load=${loadOrder} room=${room} choose=${setChosen} />` : tab === "chat" && !account.value && !client.token ? html`<div class="chat-gate"><p class="soft">${t("chat.signin")}</p><button type="button" class="button quiet" onClick=${() => (asking.value = "comment")}>${t("signin")}</button></div>` : tab === "chat" ? html`<${Lines} lines=${room.lines.value} owner=${room.owner.value} choose=${setChosen} />` : html`<${Viewers} room=${room} choose=${setChosen} />`}
    ${canWrite && tab !== "order" && !room.refused.value && html`<${Composer} room=${room} shelf=${shelf} />`}
    ${chosen && html`<${UserDialog} user=${chosen.user} line=${chosen.line} room=${room} close=${() => setChosen(null)} />`}
  </aside>`;
}
