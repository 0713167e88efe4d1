// The restream targets of a live: other RTMP servers to which its broadcasts are pushed on. Stream keys are sent, and never read.
import { html, useEffect, useState } from "./vendor/ui.js";
import { client, notify, number, say, t, time } from "./state.js";
import { Action, Dialog, Sentence, useTimer } from "./parts.js";

const most = 5; // targets of a live
const renew = 3000; // ms
const colours = { live: "good", failed: "bad" };

function Target(/** @type {Api.Props<{ item: import("./client.js").RestreamTarget }>} */ { item, remove }) {
  const figures = [item.state !== "waiting" && t("restream.sent", { n: number(Math.round(item.bytes / 1e5) / 10) }), item.reconnects > 0 && t("restream.reconnects", { n: number(item.reconnects) }), item.skips > 0 && t("restream.skips", { n: number(item.skips) })];
  return html`<li data-target=${item.target} data-state=${item.state}><span class="card-lines"><span class="row start"><strong>${item.target}</strong><span class=${"tag " + (colours[item.state] ?? "state-0")}>${t("restream." + item.state)}</span></span>
      <bdi class="soft">${item.url}</bdi>
      ${item.reason && html`<span class="fault"><bdi>${item.reason}</bdi>${item.since && " · " + time(item.since)}</span>`}
      <span class="soft">${figures.filter(Boolean).join(" · ")}</span></span>
    <button type="button" class="button quiet small" aria-label=${t("restream.remove.of", { target: item.target })} onClick=${remove}>${t("delete")}</button></li>`;
}

/** Restream lists the targets of a live, with a form for another one. status is that of the live. */
export function Restream({ id, status }) {
  const [items, setItems] = useState(/** @type {import("./client.js").RestreamTarget[]} */ (null));
  const [error, setError] = useState(null);
  const [refused, setRefused] = useState(null);
  const [removing, setRemoving] = useState("");
  const [busy, setBusy] = useState(false);
  const read = () => client.restreams(id).then((found) => { setItems(found); setError(null); }, setError);
  useEffect(() => void read(), [id, status]);
  useTimer(read, renew, [id]);
  const add = async (event) => {
    event.preventDefault();
    const form = event.target;
    const data = new FormData(form);
    setBusy(true);
    setRefused(null);
    try {
      await client.setRestream(id, { target: data.get("target"), url: data.get("url").trim(), key: data.get("key").trim() });
      form.reset(); // the key is on the server now, and nowhere else
      notify(t("saved"), "good");
    } catch (e) {
      setRefused(e);
    }
    setBusy(false);
    await read();
  };
  const remove = async () => {
    await client.removeRestream(id, removing).then(() => notify(t("saved"), "good"), (e) => notify(say(e), "bad"));
    setRemoving("");
    await read();
  };
  return html`<section class="panel"><h2>${t("restream")}</h2><p class="soft">${t("restream.text")}</p><${Sentence} error=${error} />
    ${items?.length === 0 && html`<p class="soft" data-none>${t("restream.none")}</p>`}
    ${items?.length > 0 && html`<ul class="people-list">${items.map((item) => html`<${Target} key=${item.target} item=${item} remove=${() => setRemoving(item.target)} />`)}</ul>`}
    ${status !== 3 && items && (items.length < most ? html`<form class="restream-form" onSubmit=${add}><h3>${t("restream.add")}</h3>
      <div class="fields"><div class="field"><label for="restream-target">${t("restream.target")}</label><input id="restream-target" name="target" required maxlength="32" pattern="[a-z0-9\\-]+" title=${t("restream.target.hint")} autocomplete="off" autocapitalize="none" aria-describedby="restream-target-hint" /><p class="soft hint" id="restream-target-hint">${t("restream.target.hint")}</p></div>
        <div class="field"><label for="restream-url">${t("restream.url")}</label><input id="restream-url" name="url" required maxlength="2048" inputmode="url" placeholder="rtmps://" autocomplete="off" autocapitalize="none" /></div>
        <div class="field"><label for="restream-key">${t("studio.key")}</label><input id="restream-key" name="key" type="password" maxlength="2048" autocomplete="off" aria-describedby="restream-key-hint" /><p class="soft hint" id="restream-key-hint">${t("restream.key.hint")}</p></div></div>
      <${Sentence} error=${refused} /><button class="button" disabled=${busy} aria-busy=${busy}>${t("add")}</button></form>` : html`<p class="soft">${t("restream.full", { n: most })}</p>`)}
    ${removing && html`<${Dialog} title=${t("restream.remove.of", { target: removing })} close=${() => setRemoving("")} class="narrow"><p>${t("restream.remove.text")}</p><div class="row"><button type="button" class="button quiet" onClick=${() => setRemoving("")}>${t("cancel")}</button><${Action} class="danger" run=${remove}>${t("delete")}<//></div><//>`}</section>`;
}
