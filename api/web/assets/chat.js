// The chat of a live: its lines, who is here, and the field for comments.
import { html, useEffect, useRef, useState } from "./vendor/ui.js";
import { account, asking, client, connection, notify, number, roles, say, t } from "./state.js";
import { Avatar, Dialog, Icon, Sentence, Tabs } from "./parts.js";

function Line({ line, owner, choose }) {
  if (line.kind === "joins") return html`<li class="line quiet">${t("joined.many", { n: number(line.n) })}</li>`;
  if (line.kind === "note") return html`<li class="line quiet"><bdi>${t(line.text, line.values)}</bdi></li>`;
  const name = html`<button type="button" class=${"name" + (line.user.id === owner?.id ? " is-owner" : "")} dir="auto" onClick=${() => choose({ user: line.user, line })}>${line.user.name}</button>`;
  if (line.kind === "join") return html`<li class="line quiet"><bdi>${t("joined", { name: line.user.name })}</bdi></li>`;
  if (line.kind === "gift") return html`<li class="line gift-line"><${Icon} name="gift" /><span class="line-text">${name} ${t("gave", { gift: line.gift.name, n: number(line.num) })}</span></li>`;
  return html`<li class="line"><${Avatar} user=${line.user} size="small" /><span class="line-text">${name}${line.user.id === owner?.id && html` <span class="tag">${t("streamer")}</span>`} <span class="said" dir="auto">${line.text}</span></span></li>`;
}

/** Lines shows the newest lines, and stays at the end unless the reader has scrolled up. */
export function Lines({ lines, owner, choose = () => {} }) {
  const list = useRef(null);
  const [behind, setBehind] = useState(false);
  const follow = useRef(true);
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
    follow.current = scrollHeight - scrollTop - clientHeight < 60;
    if (follow.current) setBehind(false);
  };
  return html`<div class="lines-box"><div class="lines" ref=${list} onScroll=${scrolled} tabindex="0" role="log" aria-label=${t("chat")}><ol>
    ${lines.map((line) => html`<${Line} key=${line.id} line=${line} owner=${owner} choose=${choose} />`)}
    ${lines.length === 0 && html`<li class="line quiet">${t("chat.empty")}</li>`}
  </ol></div>${behind && html`<button type="button" class="button small new-lines" onClick=${down}>${t("new.comments")}</button>`}</div>`;
}

/** UserDialog shows a viewer. Streamers, moderators and operators may mute or ban the viewer, and remove the chosen comment. */
function UserDialog({ user, line, room, close }) {
  const [error, setError] = useState(null);
  const own = account.value?.id;
  const moderates = account.value && (own === room.owner.value?.id || room.moderators.value.includes(own) || roles.value.includes("operator"));
  const may = moderates && user.id !== room.owner.value?.id && user.id !== own;
  const act = async (path, body, done) => {
    try {
      await client.post("/api/live/" + path, { id: room.live.value.id, ...body });
      notify(done, "good");
      close();
    } catch (e) {
      setError(e);
    }
  };
  const mute = (seconds) => act("mute", { user: user.id, ...(seconds && { seconds }) }, t("note.muted", { name: user.name }));
  const ban = (seconds) => act("ban", { user: user.id, ...(seconds && { seconds }) }, t("ban.done", { name: user.name }));
  const remove = () => act("comment/remove", { comment: line.pos }, t("remove.done"));
  return html`<${Dialog} title=${user.name} close=${close} class="narrow">
    <div class="who"><${Avatar} user=${user} size="large" /><p class="soft">ID ${user.id}</p></div>
    ${moderates && line?.kind === "comment" && html`<blockquote class="soft" dir="auto">${line.text}</blockquote><div class="row"><button type="button" class="button danger" data-remove onClick=${remove}>${t("remove")}</button></div>`}
    ${may && html`<h3>${t("mute.user")}</h3><div class="row"><button type="button" class="button danger" onClick=${() => mute(600)}>${t("mute.short")}</button></div>`}
    ${may && html`<h3>${t("ban")}</h3><div class="row"><button type="button" class="button danger" onClick=${() => ban(3600)}>${t("ban.hour")}</button><button type="button" class="button danger" onClick=${() => ban(0)}>${t("ban.good")}</button></div>`}
    <${Sentence} error=${error} />
  <//>`;
}

function Viewers({ room, choose }) {
  return html`<ul class="people">${room.viewers.value.map((user) => html`<li key=${user.id}><button type="button" onClick=${() => choose({ user })}><${Avatar} user=${user} /><span dir="auto">${user.name}</span>${user.id === room.owner.value?.id && html`<span class="tag">${t("streamer")}</span>`}</button></li>`)}</ul>`;
}

function Composer({ room, shelf }) {
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
    <div class="composer-row">
      <label class="visually-hidden" for="comment">${t("comment.label")}</label>
      <input id="comment" dir="auto" maxlength="200" autocomplete="off" enterkeyhint="send" placeholder=${t("comment")} value=${text} disabled=${off} onInput=${(e) => setText(e.target.value)} onFocus=${() => !account.value && !client.token && (asking.value = "comment")} />
      <button class="round accent" aria-label=${t("send")} disabled=${off}><${Icon} name="send" /></button>
      ${shelf && html`<button type="button" class="round gift-button" aria-label=${t("gifts")} onClick=${shelf}><${Icon} name="gift" /></button>`}
    </div></form>`;
}

export function Chat({ room, shelf, canWrite = true }) {
  const [tab, setTab] = useState("chat");
  const [chosen, setChosen] = useState(null);
  const state = account.value && connection.value !== "open" ? "state." + (connection.value === "connecting" ? "connecting" : "waiting") : room.state.value === "joining" ? "state.joining" : "";
  const online = room.gauges.value?.online ?? 0;
  return html`<aside class="chat">
    <${Tabs} label=${t("chat")} now=${tab} choose=${setTab} tabs=${[{ id: "chat", text: t("chat") }, { id: "viewers", text: t("viewers") + " " + number(online) }]} />
    ${state && state !== "state.closed" && html`<p class="chat-state" role="status">${t(state)}</p>`}
    ${room.refused.value && html`<p class="sentence bad" role="alert">${t("left.because")}: ${say(room.refused.value)}</p>`}
    ${tab === "chat" && !account.value && !client.token ? html`<div class="chat-gate"><p class="soft">${t("chat.signin")}</p><button type="button" class="button quiet" onClick=${() => (asking.value = "comment")}>${t("signin")}</button></div>` : tab === "chat" ? html`<${Lines} lines=${room.lines.value} owner=${room.owner.value} choose=${setChosen} />` : html`<${Viewers} room=${room} choose=${setChosen} />`}
    ${canWrite && !room.refused.value && html`<${Composer} room=${room} shelf=${shelf} />`}
    ${chosen && html`<${UserDialog} user=${chosen.user} line=${chosen.line} room=${room} close=${() => setChosen(null)} />`}
  </aside>`;
}
