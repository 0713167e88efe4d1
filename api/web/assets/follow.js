// Following streamers: the button, and the list in the account.
import { html, useEffect, useState } from "./vendor/ui.js";
import { account, asking, client, followed, notify, number, say, short, t, time } from "./state.js";
import { Action, Avatar, Icon, Sentence } from "./parts.js";

/** follow follows a streamer, or ends that, and reports whether that has succeeded. */
export async function follow(streamer, wanted = true) {
  try {
    await client.post("/api/user/" + (wanted ? "follow" : "unfollow"), { user: streamer });
    followed.value = { ...followed.value, [streamer]: wanted };
    return true;
  } catch (e) {
    notify(say(e), "bad");
    return false;
  }
}

/** FollowButton follows a streamer. done is called after that. */
export function FollowButton({ streamer, class: kind = "", done = () => {} }) {
  const [found, setFound] = useState(/** @type {Api.FollowerCount} */ (null));
  const me = account.value?.id;
  const following = followed.value[streamer] ?? found?.following ?? false;
  useEffect(() => {
    client.get(`/api/user/${streamer}/followers`).then(setFound, () => {});
  }, [streamer, me, followed.value[streamer]]);
  const press = async () => {
    if (!me) asking.value = "follow";
    else if (await follow(streamer, !following)) done();
  };
  if (me === streamer) return found && html`<span class="soft followers">${t("followers", { n: short(found.followers) })}</span>`;
  return html`<${Action} class=${(following ? "quiet " : "") + kind} aria-pressed=${following} data-follow run=${press}><${Icon} name=${following ? "check" : "heart"} /><bdi class="follow-text">${t(following ? "following" : "follow")}</bdi>${found?.followers > 0 && html`<span class="button-number">${short(found.followers)}<span class="visually-hidden"> ${t("followers", { n: "" })}</span></span>`}<//>`;
}

/** Following lists the streamers whom the user follows. */
export function Following() {
  const [items, setItems] = useState(/** @type {Api.Followed[]} */ (null));
  const [cursor, setCursor] = useState(null);
  const [error, setError] = useState(null);
  const read = async (before) => {
    try {
      const found = await client.get(`/api/user/following?limit=50${before ? "&before=" + encodeURIComponent(before) : ""}`);
      setItems((had) => [...(before ? had : []), ...found.items]);
      setCursor(found.items.length === 50 ? found.cursor : null);
    } catch (e) {
      setError(e);
    }
  };
  useEffect(() => void read(), []);
  return html`<h2>${t("me.following")}${items?.length > 0 && html` <span class="count">${number(items.length)}${cursor ? "+" : ""}</span>`}</h2>
    <${Sentence} error=${error} />
    ${items?.length === 0 && html`<p class="soft">${t("me.following.none")}</p>`}
    ${items?.length > 0 && html`<ul class="panel flush people-list">${items.map(({ user, since }) => html`<li key=${user.id}><${Avatar} user=${user} /><span class="card-lines"><strong dir="auto">${user.name}</strong><span>${t("since", { at: time(since) })}</span></span><${FollowButton} streamer=${user.id} class="small" /></li>`)}</ul>`}
    ${cursor && html`<div class="center"><button type="button" class="button quiet" onClick=${() => read(cursor)}>${t("more")}</button></div>`}`;
}
