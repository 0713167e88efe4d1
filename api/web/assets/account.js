// Signing in and up, topping up, and the account of the user.
import { html, useEffect, useState } from "./vendor/ui.js";
import { account, asking, balance, client, number, notify, options, say, signIn, signUp, t, toppingUp } from "./state.js";
import { newKey } from "./client.js";
import { Action, Dialog, Empty, Icon, Sentence, When, useTitle } from "./parts.js";
import { Following } from "./follow.js";
import { OwnTickets } from "./tickets.js";

export function SignIn({ why }) {
  const [isNew, setNew] = useState(false);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    setBusy(true);
    setError(null);
    try {
      await (isNew ? signUp : signIn)(form.get("username"), form.get("password"));
      asking.value = client.token ? "" : "expired";
    } catch (e) {
      setError(e);
    }
    setBusy(false);
  };
  return html`<${Dialog} title=${t(isNew ? "signup" : "signin")} close=${() => (asking.value = "")} class="narrow">
    <p class="soft">${t("why." + why)}</p>
    <form onSubmit=${submit}>
      <div class="field"><label for="username">${t("username")}</label><input id="username" name="username" required maxlength="32" autocomplete="username" autocapitalize="none" autofocus /></div>
      <div class="field"><label for="password">${t("password")}</label><input id="password" name="password" type="password" required minlength="6" maxlength="128" autocomplete=${isNew ? "new-password" : "current-password"} aria-describedby=${isNew ? "password-hint" : null} />
        ${isNew && html`<p class="soft hint" id="password-hint">${t("signup.hint")}</p>`}</div>
      <${Sentence} error=${error} />
      <button class="button wide" disabled=${busy} aria-busy=${busy}>${t(isNew ? "signup" : "signin")}</button>
    </form>
    <button type="button" class="link center" onClick=${() => { setNew(!isNew); setError(null); }}>${t(isNew ? "to.signin" : "to.signup")}</button>
  <//>`;
}

const amounts = [10, 50, 100, 500]; // in the unit of the currency

export function TopUp() {
  const [price, setPrice] = useState(amounts[1]);
  const [error, setError] = useState(null);
  const [key, setKey] = useState(newKey);
  const [perUnit, setPerUnit] = useState(10);
  const pay = async () => {
    setError(null);
    try {
      const order = await client.post("/api/gift/wxpay", { price }, { key });
      setPerUnit(order.coin / order.price);
      await client.post("/api/gift/testpay", { order: order.order, price: order.price });
      notify(t("topup.done", { n: number(order.coin) }), "good");
      setKey(newKey());
      toppingUp.value = false;
    } catch (e) {
      setError(e);
    }
  };
  return html`<${Dialog} title=${t("topup.title")} close=${() => (toppingUp.value = false)} class="narrow">
    <p class="sum"><${Icon} name="coin" />${number(balance.value)}<span class="soft">${t("balance")}</span></p>
    ${options.test_payments ? html`<div class="choices" role="radiogroup" aria-label=${t("topup.title")}>
      ${amounts.map((amount) => html`<label key=${amount} class="choice"><input type="radio" name="price" value=${amount} checked=${price === amount} onChange=${() => { setPrice(amount); setKey(newKey()); }} />
        <strong>${number(amount * perUnit)}</strong><span>¥ ${amount}</span></label>`)}</div>
      <${Sentence} error=${error} />
      <${Action} class="wide" run=${pay}>${t("topup.pay", { n: number(price * perUnit) })}<//>
      <p class="soft hint">${t("topup.test")}</p>` : html`<p>${t("topup.off")}</p>`}
  <//>`;
}

/** entryText returns what a movement of coins is. */
function entryText(/** @type {Api.Movement} */ entry) {
  if (entry.order) return t("entry.topup");
  const back = entry.amount > 0 ? ".refund" : "";
  if (entry.gift) return t("entry.gift" + back, { live: entry.live || "" });
  if (entry.live) return t("entry.ticket" + back, { live: entry.live });
  return t("entry.other");
}

export function Me() {
  const [entries, setEntries] = useState(/** @type {Api.Movement[]} */ (null));
  const [cursor, setCursor] = useState(null);
  const [error, setError] = useState(null);
  const [age, setAge] = useState(null);
  const user = account.value;
  useTitle(t("me"));
  const read = async (before) => {
    try {
      const found = await client.get(`/api/coin/history?limit=50${before ? "&before=" + encodeURIComponent(before) : ""}`);
      setEntries((had) => [...(before ? had : []), ...found.items]);
      setCursor(found.items.length === 50 ? found.cursor : null);
    } catch (e) {
      setError(e);
    }
  };
  useEffect(() => {
    if (user) {
      void read();
      client.get("/api/user/info").then((found) => setAge(found.age), () => {});
    } else if (!client.token) asking.value = "me";
  }, [user?.id, balance.value]);
  const save = async (event) => {
    event.preventDefault();
    try {
      const form = new FormData(event.target);
      const saved = await client.request("PUT", "/api/user/profile", { nickname: form.get("nickname"), ...(age !== null && { age: Number(form.get("age")) }) });
      account.value = { ...saved, name: saved.nickname || saved.username };
      notify(t("saved"), "good");
    } catch (e) {
      notify(say(e), "bad");
    }
  };
  if (!user) return html`<${Empty} icon="user" title=${t("why.me")}><button type="button" class="button" onClick=${() => (asking.value = "me")}>${t("signin")}</button><//>`;
  return html`<section class="page narrow-page"><div class="page-head"><h1>${t("me")}</h1></div>
    <div class="panel row"><p class="sum"><${Icon} name="coin" />${number(balance.value)}<span class="soft">${t("balance")}</span></p><button type="button" class="button" onClick=${() => (toppingUp.value = true)}>${t("topup")}</button></div>
    <form class="panel" onSubmit=${save}><div class="field"><label for="nickname">${t("me.name")}</label><input id="nickname" name="nickname" maxlength="32" dir="auto" value=${user.nickname} placeholder=${user.username} /></div>
      <div class="field"><label for="age">${t("age")}</label><input id="age" name="age" type="number" inputmode="numeric" min="0" max="1000000" autocomplete="off" disabled=${age === null} value=${age || ""} aria-describedby="age-hint" /><p class="soft hint" id="age-hint">${t("age.why")}</p></div><button class="button quiet">${t("save")}</button></form>
    <h2>${t("me.purchases")}</h2>
    <${Sentence} error=${error} />
    ${entries?.length === 0 && html`<p class="soft">${t("me.empty")}</p>`}
    ${entries?.length > 0 && html`<div class="panel flush table" tabindex="0" role="region" aria-label=${t("me.purchases")}><table><thead><tr><th>${t("when")}</th><th>${t("what")}</th><th class="end">${t("change")}</th></tr></thead>
      <tbody>${entries.map((e) => html`<tr key=${e.position}><td><${When} at=${e.at} /></td><td>${entryText(e)}</td><td class=${"end " + (e.amount > 0 ? "plus" : "")}>${e.amount > 0 ? "+" : ""}${number(e.amount)}</td></tr>`)}</tbody></table></div>`}
    ${cursor && html`<div class="center"><button type="button" class="button quiet" onClick=${() => read(cursor)}>${t("more")}</button></div>`}
    <${OwnTickets} key=${"tickets-" + user.id} /><${Following} key=${user.id} />
  </section>`;
}
