// What the charts of the overview for operators show. The module has no dependencies.

/** players returns the number of players of a stream. */
export const players = (/** @type {Api.Stream} */ stream) => Object.values(stream.players).reduce((sum, n) => sum + n, 0);

/** sizeOf returns the size of the pictures of a broadcast, or "–": one without pictures has none. */
export const sizeOf = (/** @type {Api.LiveMedia | null} */ media) => (media?.width ? media.width + "×" + media.height : "–");

/** sampleOf returns what the server reports at a time in seconds. before is the sample before it, or null. What is not known is null. */
export function sampleOf(/** @type {{ streams: Api.Stream[], sockets: Api.Connections, ready: Api.Readiness }} */ { streams, sockets, ready }, at, /** @type {{ at: number, position: number | null, bytes: number } | null} */ before) {
  const found = /(\d+) of (\d+)/.exec(ready.checks?.tables);
  const [applied, position] = found ? [Number(found[1]), Number(found[2])] : [null, null];
  const bytes = streams.reduce((sum, s) => sum + s.bytes_out, 0);
  const seconds = at - before?.at;
  return {
    at, position, bytes, nodes: sockets.replied, sockets: sockets.total, streams: streams.filter((s) => s.publishing).length,
    players: streams.reduce((sum, s) => sum + players(s), 0), lag: found ? position - applied : null,
    rate: found && before && before.position !== null ? (position - before.position) / seconds : null,
    bits: before ? (Math.max(0, bytes - before.bytes) * 8) / 1e6 / seconds : null,
  };
}
