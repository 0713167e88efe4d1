// A window with the proof of a gift: the file to save, and a check in this browser against the public key that the user enters.
import { html, useEffect, useState } from "./vendor/ui.js";
import { client, language, number, recall, remember, t, time } from "./state.js";
import { RoomlogError } from "./client.js";
import { checkProof, ProofError } from "./proof.js";
import { Action, Dialog, Sentence } from "./parts.js";

// read returns the bytes of the proof, exactly as the server sends them.
async function read(position) {
  const response = await fetch(`/api/gift/${position}/proof`, { headers: { token: client.token } }).catch(() => { throw new RoomlogError("network", "The server cannot be reached."); });
  if (response.ok) return response.arrayBuffer();
  const { code = "unknown", text_en: text = response.statusText, data } = /** @type {Api.Failure} */ (await response.json().catch(() => ({})));
  throw new RoomlogError(code, text, { textZH: data });
}

export function GiftProof({ position, close }) {
  const [file, setFile] = useState(null);
  const [address, setAddress] = useState("");
  const [key, setKey] = useState(recall("audit-key") ?? "");
  const [error, setError] = useState(null);
  const [checked, setChecked] = useState(null);
  useEffect(() => {
    let made = "";
    read(position).then((bytes) => {
      made = URL.createObjectURL(new Blob([bytes], { type: "application/json" }));
      setFile(bytes);
      setAddress(made);
    }, setError);
    return () => URL.revokeObjectURL(made);
  }, []);
  const verify = async () => {
    setChecked(null);
    setError(null);
    try {
      const found = await checkProof(file, key);
      setChecked(found);
      remember("audit-key", key.trim());
    } catch (e) {
      if (!(e instanceof ProofError)) throw e;
      setError(t("proof." + e.code) + (language.value === "zh" ? "" : " " + e.message));
    }
  };
  const { receipt, event, checkpoint } = checked ?? {};
  return html`<${Dialog} title=${t("proof.of", { position })} close=${close}>
    <p class="soft">${t("proof.text")}</p>
    <div class="field"><label for="audit-key">${t("proof.public")}</label><input id="audit-key" autocomplete="off" spellcheck="false" dir="ltr" value=${key} onInput=${(e) => setKey(e.target.value)} /></div>
    <div class="row"><${Action} disabled=${!file || !key.trim()} run=${verify}>${t("proof.verify")}<//>
      ${address && html`<a class="button quiet" href=${address} download=${`gift-${position}.json`}>${t("proof.save")}</a>`}</div>
    <${Sentence} error=${error} />
    ${checked && html`<p class="sentence good" role="status">${t("proof.ok", { n: number(checkpoint.size), origin: checkpoint.origin })}</p>
      ${receipt && html`<dl class="tiles"><div><dt>${t("when")}</dt><dd>${time(event.recorded_at)}</dd></div><div><dt>${t("studio.who")}</dt><dd>${t("op.user", { id: receipt.sender })}</dd></div><div><dt>${t("gifts")}</dt><dd dir="auto">${receipt.name} ×${number(receipt.num)}</dd></div><div><dt>${t("studio.coins")}</dt><dd>${number(receipt.coins)}</dd></div></dl>`}`}
  <//>`;
}
