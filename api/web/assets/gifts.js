// The gift shelf, and the animation of gifts that arrive.
import { html, useEffect, useRef, useState } from "./vendor/ui.js";
import { account, asking, balance, client, number, picture, t, toppingUp } from "./state.js";
import { newKey } from "./client.js";
import { Avatar, Icon, Sentence, hue } from "./parts.js";

const numbers = [1, 5, 10, 66];
const COMBO = 4000; // ms within which gifts of one kind of one user count together

let shelf = /** @type {Api.Gift[]} */ (null); // the catalogue, read once

/** GiftPicture shows the picture of a gift, else its first letter on a colour. */
export function GiftPicture(/** @type {Api.Props<{ gift: { name: string, image: string } }>} */ { gift, size = "" }) {
  const [broken, setBroken] = useState(false);
  const address = picture(gift.image);
  return html`<span class=${"gift-picture " + size} style=${{ "--hue": hue(gift.name) }} aria-hidden="true">${address && !broken ? html`<img src=${address} alt="" onError=${() => setBroken(true)} />` : html`<${Icon} name="gift" />`}</span>`;
}

export function Shelf(/** @type {Api.Props<{ room: import("./room.js").Room }>} */ { room }) {
  const [gifts, setGifts] = useState(shelf);
  const [chosen, setChosen] = useState(shelf?.[0] ?? null);
  const [num, setNum] = useState(1);
  const [error, setError] = useState(null);
  const [sending, setSending] = useState(0);
  useEffect(() => {
    client.get("/api/gift/list").then((found) => {
      shelf = found;
      setGifts(found);
      setChosen((now) => now ?? found[0] ?? null);
    }, setError);
  }, []);
  const cost = chosen ? chosen.coin * num : 0;
  const missing = account.value ? cost - (balance.value ?? 0) : 0;
  const send = async () => {
    if (!account.value) {
      asking.value = "gift";
      return;
    }
    setError(null);
    setSending((n) => n + 1);
    try {
      await room.gift(chosen.id, num, newKey());
    } catch (e) {
      setError(e);
    }
    setSending((n) => n - 1);
  };
  if (!gifts) return html`<div class="shelf"><${Sentence} error=${error} /></div>`;
  if (gifts.length === 0) return html`<div class="shelf"><p class="soft">${t("gift.none")}</p></div>`;
  return html`<section class="shelf" aria-label=${t("gifts")}>
    <div class="shelf-gifts" role="radiogroup" aria-label=${t("gifts")}>${gifts.map((gift) => html`<label key=${gift.id} class="shelf-gift"><input type="radio" name="gift" checked=${chosen?.id === gift.id} onChange=${() => setChosen(gift)} />
      <${GiftPicture} gift=${gift} /><span class="shelf-name" dir="auto">${gift.name}</span><span class="price"><${Icon} name="coin" />${number(gift.coin)}</span></label>`)}</div>
    <${Sentence} error=${error} />
    <div class="shelf-send">
      <div class="numbers" role="radiogroup" aria-label=${t("gift.number")}>${numbers.map((n) => html`<label key=${n}><input type="radio" name="num" checked=${num === n} onChange=${() => setNum(n)} /><span>×${n}</span></label>`)}</div>
      ${missing > 0 ? html`<button type="button" class="button" onClick=${() => (toppingUp.value = true)}>${t("topup")}</button>` : ""}
      <button type="button" class="button accent" disabled=${!chosen || missing > 0 || !["joined", "left"].includes(room.state.value) && account.value} aria-busy=${sending > 0} onClick=${send}>${t(cost === 1 ? "gift.send.one" : "gift.send", { n: number(cost) })}</button>
    </div>
    ${missing > 0 && html`<p class="soft hint">${t("gift.few", { n: number(missing) })}</p>`}
  </section>`;
}

/** Combos shows the newest gifts over the picture. Gifts of one kind that one user sends in succession are counted. */
export function Combos(/** @type {Api.Props<{ room: import("./room.js").Room }>} */ { room }) {
  const [shown, setShown] = useState(/** @type {{ key: string, gift: import("./client.js").GiftSent, n: number, at: number }[]} */ ([]));
  const last = useRef(null);
  useEffect(() => {
    const lines = room.lines.value;
    const at = lines.findIndex((line) => line.id === last.current);
    const fresh = last.current === null ? [] : lines.slice(at + 1).filter((line) => line.kind === "gift");
    last.current = lines.findLast((line) => line.kind === "gift")?.id ?? last.current ?? ""; // gifts stay, comments may be removed
    if (fresh.length === 0) return;
    setShown((had) => {
      let all = had.filter((c) => performance.now() - c.at < COMBO);
      for (const gift of fresh) {
        const key = gift.user.id + "/" + gift.gift.id;
        const before = all.find((c) => c.key === key);
        all = [...all.filter((c) => c !== before), { key, gift, n: (before?.n ?? 0) + gift.num, at: performance.now() }];
      }
      return all.slice(-3);
    });
  }, [room.lines.value]);
  useEffect(() => {
    if (shown.length === 0) return;
    const timer = setTimeout(() => setShown((had) => had.filter((c) => performance.now() - c.at < COMBO)), COMBO + 50);
    return () => clearTimeout(timer);
  }, [shown]);
  return html`<div class="combos" aria-hidden="true">${shown.map(({ key, gift, n }) => html`<div class="combo" key=${key}><${Avatar} user=${gift.user} size="small" />
    <span class="combo-text"><strong dir="auto">${gift.user.name}</strong><span dir="auto">${gift.gift.name}</span></span><${GiftPicture} gift=${gift.gift} size="large" /><span class="combo-number" key=${n}>×${number(n)}</span></div>`)}</div>`;
}
