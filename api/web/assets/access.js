// Lives that are not for everybody: the way in for viewers, and the settings of the streamer.
import { html, useEffect, useState } from "./vendor/ui.js";
import { accessName, account, asking, client, notify, number, say, t, time } from "./state.js";
import { Action, Avatar, BackHome, Copy, Icon, Sentence } from "./parts.js";
import { FollowButton } from "./follow.js";
import { Age, Buy } from "./tickets.js";

/** kinds are the accesses that a streamer may choose on this page. */
export const kinds = ["open", "unlisted", "password", "followers", "invited", "paid"];

// The secret of an invitation is in the fragment of the link, which browsers do not send to servers.
const invitation = () => /^#invitation=([\w-]{1,64})$/.exec(location.hash)?.[1] ?? "";

const titles = { live_password: "gate.password", live_followers: "gate.followers", live_invited: "gate.invited", live_paid: "gate.paid", live_age: "gate.age", banned: "gate.banned" };

/** Gate shows why the user may not be in a live, and what the user can do about it. entered is called when the user may be in it. */
export function Gate(/** @type {Api.Props<{ error: import("./client.js").RoomlogError }>} */ { id, error, entered }) {
  const [access, setAccess] = useState(/** @type {Api.LiveAccess} */ (null));
  const [refused, setRefused] = useState(null);
  const me = account.value;
  const secret = invitation();
  const read = () => client.get(`/api/live/${id}/access`).then(setAccess, () => {});
  useEffect(() => void read(), [id, error.code, me?.id]);
  const enter = async (how) => {
    setRefused(null);
    try {
      await client.post("/api/live/enter", { id, ...how });
      await entered();
    } catch (e) {
      setRefused(e);
    }
  };
  const password = (event) => {
    event.preventDefault();
    return enter({ password: new FormData(event.target).get("password") });
  };
  const streamer = access?.streamer;
  const signIn = html`<p class="soft">${t("why.access")}</p><button type="button" class="button" onClick=${() => (asking.value = "access")}>${t("signin")}</button>`;
  const ways = error.code === "live_age" ? access && html`<${Age} key=${me?.id} min=${access.min_age} done=${entered} />`
    : secret ? html`<p class="soft">${t("gate.invitation")}</p><${Action} run=${() => enter({ invitation: secret })}>${t("gate.enter")}<//>`
    : error.code === "live_password" ? html`<form class="joined gate-form" onSubmit=${password}><label class="visually-hidden" for="live-password">${t("gate.password.label")}</label><input id="live-password" name="password" type="password" required maxlength="128" autocomplete="off" placeholder=${t("gate.password.label")} /><button class="button">${t("gate.enter")}</button></form>`
      : error.code === "live_followers" && streamer ? html`<${FollowButton} streamer=${streamer.id} done=${entered} />`
        : error.code === "live_paid" && access?.price ? html`<${Buy} id=${id} price=${access.price} read=${read} entered=${entered} />` : null;
  const title = titles[error.code];
  return html`<div class="empty gate" data-code=${error.code}>
    ${streamer ? html`<${Avatar} user=${streamer} size="large" />` : html`<span class="empty-icon"><${Icon} name="lock" /></span>`}
    ${streamer && html`<p dir="auto">${streamer.name}</p>`}
    <h2>${title ? t(title) : say(error)}</h2>
    ${access?.min_age > 0 && html`<p>${t("age.min", { n: access.min_age })}</p>`}
    ${access?.price > 0 && (!me || error.code === "live_age") && html`<p>${t("ticket.costs", { n: number(access.price) })}</p>`}
    ${error.code === "live_invited" && !secret && html`<p>${t("gate.invited.text")}</p>`}
    ${ways && !me ? signIn : ways}
    <${Sentence} error=${refused} />
    ${!ways && !me && error.code !== "banned" && signIn}
    ${!ways && html`<${BackHome} text=${t("home")} />`}</div>`;
}

/** AccessFields are the fields of a form that chooses an access. price is the price of a ticket until now. */
export function AccessFields({ value = "open", price = "" }) {
  const [kind, setKind] = useState(value);
  const all = kinds.includes(kind) ? kinds : [...kinds, kind];
  return html`<div class="field"><label for="access">${t("access")}</label><select id="access" name="access" value=${kind} onChange=${(e) => setKind(e.target.value)}>${all.map((name) => html`<option key=${name} value=${name}>${accessName(name)}</option>`)}</select>
      <p class="soft hint">${kinds.includes(kind) && t("access." + kind + ".text")}</p></div>
    ${kind === "password" && html`<div class="field"><label for="access-password">${t("password")}</label><input id="access-password" name="password" type="text" required minlength="6" maxlength="128" autocomplete="off" spellcheck="false" dir="ltr" /></div>`}
    ${kind === "paid" && html`<div class="field"><label for="access-price">${t("access.price")}</label><input id="access-price" name="price" type="number" inputmode="numeric" required min="1" max="1000000" value=${price} /></div>`}`;
}

/** accessOf returns what AccessFields contain. */
export function accessOf(form) {
  const access = form.get("access");
  return { access, ...(access === "password" && { password: form.get("password") }), ...(access === "paid" && { price: Number(form.get("price")) }) };
}

/** MinAgeField is the field of a form that sets the age that viewers need. */
export function MinAgeField({ value = 0 }) {
  return html`<div class="field"><label for="min-age">${t("age.min.label")}</label><input id="min-age" name="min_age" type="number" inputmode="numeric" min="0" max="100" value=${value || ""} placeholder=${t("age.none")} aria-describedby="min-age-hint" /><p class="soft hint" id="min-age-hint">${t("age.min.text")}</p></div>`;
}

/** minAgeOf returns what MinAgeField contains. */
export const minAgeOf = (form) => Number(form.get("min_age"));

const days = [0, 1, 7, 30];

function Invitations({ id }) {
  const [items, setItems] = useState(/** @type {Api.Invitation[]} */ ([]));
  const [link, setLink] = useState("");
  const [error, setError] = useState(null);
  const read = () => client.get(`/api/live/${id}/invitations`).then(setItems, setError);
  useEffect(() => void read(), [id]);
  const create = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    setError(null);
    try {
      const made = await client.post("/api/live/invitation/create", { id, uses: Number(form.get("uses")), seconds: 86400 * Number(form.get("days")) });
      setLink(location.origin + "/watch/" + id + "#invitation=" + made.secret);
      await read();
    } catch (e) {
      setError(e);
    }
  };
  const revoke = async (invitation) => {
    await client.post("/api/live/invitation/revoke", { id, invitation }).catch(setError);
    await read();
  };
  return html`<section class="panel"><h2>${t("invitations")}</h2><p class="soft">${t("invitations.text")}</p>
    <form class="filters" onSubmit=${create}><div class="field"><label for="uses">${t("invitations.uses")}</label><input id="uses" name="uses" type="number" min="1" max="100000" required value="1" /></div>
      <div class="field"><label for="invitation-days">${t("invitations.days")}</label><select id="invitation-days" name="days">${days.map((n) => html`<option key=${n} value=${n}>${n ? t("days", { n }) : t("always")}</option>`)}</select></div><button class="button">${t("invitations.create")}</button></form>
    ${link && html`<${Copy} label=${t("invitations.link")} value=${link} />`}
    <${Sentence} error=${error} />
    ${items.length > 0 && html`<ul class="people-list">${items.map((item) => html`<li key=${item.id}><span class="card-lines"><strong>${t("invitations.used", { used: number(item.used), uses: number(item.uses) })}</strong><span>${item.until ? t("until", { at: time(item.until) }) : t("always")}</span></span><${Action} class="danger small" run=${() => revoke(item.id)}>${t("invitations.revoke")}<//></li>`)}</ul>`}</section>`;
}

/** AccessSettings lets the owner choose who may be in a live. */
export default function AccessSettings({ id }) {
  const [now, setNow] = useState(/** @type {Api.LiveAccess} */ (null));
  const [error, setError] = useState(null);
  const read = () => client.get(`/api/live/${id}/access`).then(setNow, setError);
  useEffect(() => void read(), [id]);
  const save = async (event, to, settings) => {
    event.preventDefault();
    setError(null);
    try {
      await client.post(to, { id, ...settings(new FormData(event.target)) });
      notify(t("saved"), "good");
      await read();
    } catch (e) {
      setError(e);
    }
  };
  return html`<form class="panel" onSubmit=${(e) => save(e, "/api/live/access", accessOf)}><h2>${t("access.who")}</h2>
      ${now && html`<${AccessFields} key=${now.access + now.price} value=${now.access} price=${now.price} />`}
      <${Sentence} error=${error} />
      <${Copy} label=${t("share.link")} value=${location.origin + "/watch/" + id} /><button class="button" disabled=${!now}>${t("save")}</button></form>
    ${now && html`<form class="panel" data-min-age=${now.min_age ?? 0} onSubmit=${(e) => save(e, "/api/live/min_age", (form) => ({ min_age: minAgeOf(form) }))}><${MinAgeField} key=${now.min_age} value=${now.min_age} /><button class="button">${t("save")}</button></form>`}
    <${Invitations} id=${id} />`;
}
