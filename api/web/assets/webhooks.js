// The webhooks of the service on the desk: how far their receivers are, their dead letters, and replays. Secrets are not shown.
import { html, useEffect, useState } from "./vendor/ui.js";
import { client, notify, number, t } from "./state.js";
import { Action, Dialog, Sentence, When, useTimer } from "./parts.js";

const renew = 5000; // ms
const page = 50; // dead letters

// stateOf returns the state of a webhook: halted, retrying or active.
function stateOf(/** @type {import("./client.js").Webhook} */ webhook) {
  if (webhook.halted) return "halted";
  return webhook.blocked > 0 ? "retrying" : "active";
}

const colours = { halted: "bad", retrying: "bad", active: "good" };

// fault returns what was wrong with an attempt to send.
const fault = (/** @type {{ status?: number, error?: string }} */ { status, error }) => [status && "HTTP " + status, error].filter(Boolean).join(" · ");

function DeadLetters({ webhook, close }) {
  const [items, setItems] = useState(/** @type {import("./client.js").DeadLetter[]} */ (null));
  const [more, setMore] = useState(false);
  const [error, setError] = useState(null);
  const read = async (after = 0) => {
    try {
      const found = await client.deadLetters(webhook, { after, limit: page });
      setItems((had) => [...(after ? had : []), ...found]);
      setMore(found.length === page);
      setError(null);
    } catch (e) {
      setError(e);
    }
  };
  useEffect(() => void read(), [webhook]);
  const retry = async (position) => {
    try {
      const { count } = await client.retryDeadLetters(webhook, position);
      notify(t("webhook.retried", { n: number(count) }), "good");
      await read();
    } catch (e) {
      setError(e);
    }
  };
  return html`<${Dialog} title=${t("webhook.dead.of", { webhook })} close=${close} class="broad"><p class="soft">${t("webhook.dead.text")}</p><${Sentence} error=${error} />
    ${items?.length === 0 && html`<p class="soft" data-none>${t("webhook.dead.none")}</p>`}
    ${items?.length > 0 && html`<div class="row"><${Action} class="small" run=${() => retry()}>${t("webhook.retry.all")}<//></div>
      <ul class="people-list">${items.map((letter) => html`<li key=${letter.position} data-dead=${letter.position}><span class="card-lines"><span class="row start"><strong>${letter.type}</strong>${letter.retry && html`<span class="tag">${t("webhook.again")}</span>`}</span><span class="soft">${t("webhook.position", { n: number(letter.position) })}${letter.live && " · " + t("report.live", { live: letter.live })} · <${When} at=${letter.died_at} /></span><bdi class="fault">${fault(letter)}</bdi></span>
        ${!letter.retry && html`<${Action} class="quiet small" aria-label=${t("webhook.retry.of", { n: letter.position })} run=${() => retry(letter.position)}>${t("webhook.retry")}<//>`}</li>`)}</ul>`}
    ${more && html`<div class="center"><button type="button" class="button quiet" onClick=${() => read(items.at(-1).position)}>${t("more")}</button></div>`}<//>`;
}

function Replay({ webhook, close }) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    setBusy(true);
    setError(null);
    try {
      await client.replayWebhook(webhook, { from: form.get("from").trim(), reason: form.get("reason").trim() });
      notify(t("webhook.replayed", { webhook }), "good");
      close();
    } catch (e) {
      setError(e);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${t("webhook.replay.of", { webhook })} close=${close} class="narrow"><p>${t("webhook.replay.text")}</p><form onSubmit=${send}>
    <div class="field"><label for="replay-from">${t("webhook.from")}</label><input id="replay-from" name="from" maxlength="64" autocomplete="off" aria-describedby="replay-hint" /><p class="soft hint" id="replay-hint">${t("webhook.from.hint")}</p></div>
    <div class="field"><label for="replay-reason">${t("reason")}</label><input id="replay-reason" name="reason" maxlength="100" dir="auto" autocomplete="off" aria-describedby="replay-reason-hint" /><p class="soft hint" id="replay-reason-hint">${t("refund.own.hint")}</p></div>
    <${Sentence} error=${error} /><div class="row"><button type="button" class="button quiet" onClick=${close}>${t("cancel")}</button><button class="button" disabled=${busy} aria-busy=${busy}>${t("webhook.replay")}</button></div></form><//>`;
}

/** Webhooks lists the webhooks of the service. */
export function Webhooks() {
  const [items, setItems] = useState(/** @type {import("./client.js").Webhook[]} */ (null));
  const [error, setError] = useState(null);
  const [open, setOpen] = useState(null); // { part, webhook }: the dialog that is open
  const read = () => client.webhooks().then((found) => { setItems(found); setError(null); }, setError);
  useEffect(() => void read(), []);
  useTimer(read, renew);
  const close = () => {
    setOpen(null);
    void read();
  };
  const Part = open?.part;
  return html`<${Sentence} error=${error} />
    ${items?.length === 0 && html`<p class="soft" data-none>${t("webhook.none")}</p>`}
    ${items?.length > 0 && html`<ul class="cases">${items.map((w) => html`<li class="case" key=${w.id} data-webhook=${w.id} data-state=${stateOf(w)}>
      <p class="case-head"><strong>${w.id}</strong><span class=${"tag " + colours[stateOf(w)]}>${t("webhook." + stateOf(w))}</span>${w.personal && html`<span class="tag">${t("role.personal")}</span>`}<${When} at=${w.added_at} /></p>
      <bdi class="soft">${w.url}</bdi>
      <p class="parts-list">${w.types.length === 0 ? t("webhook.all") : w.types.map((type) => html`<span class="tag state-0" key=${type}>${type}</span>`)}</p>
      <dl class="tiles"><div><dt>${t("op.position")}</dt><dd>${t("webhook.of", { n: number(w.position), head: number(w.head) })}</dd></div><div><dt>${t("webhook.blocked")}</dt><dd data-blocked>${number(w.blocked)}</dd></div><div><dt>${t("webhook.dead")}</dt><dd data-letters>${number(w.dead)}</dd></div></dl>
      ${w.halted && html`<p class="sentence bad" role="alert">${w.halted}</p>`}
      ${!w.halted && (w.error || w.status) && html`<p class="fault">${t("webhook.error")} <bdi>${fault(w)}</bdi></p>`}
      <div class="case-acts"><button type="button" class="button quiet small" aria-label=${t("webhook.dead.of", { webhook: w.id })} onClick=${() => setOpen({ part: DeadLetters, webhook: w.id })}>${t("webhook.dead")}</button><button type="button" class="button quiet small" aria-label=${t("webhook.replay.of", { webhook: w.id })} onClick=${() => setOpen({ part: Replay, webhook: w.id })}>${t("webhook.replay")}…</button></div></li>`)}</ul>`}
    ${open && html`<${Part} webhook=${open.webhook} close=${close} />`}`;
}
